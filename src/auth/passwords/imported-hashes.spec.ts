import { describe, expect, it } from 'vitest';
import { ImportedHashError, parseImportedHash } from './imported-hashes.js';

const PASSWORD = 'pässwort mit Ümlaut';
const b64 = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64').replace(/=+$/, '');
const SALT = b64(16);
const HASH = b64(32);

/** Of {@link PASSWORD} unless said, made by others: Python's hashlib and crypt, OpenSSL's argon2; two from RFC 7914. */
const KNOWN: [name: string, hash: string, password?: string][] = [
  ['bcrypt $2b$ cost 12', '$2b$12$LJ3m4ys3Lk0ZSq1XG0xJ7OioKjQwU2M.t0GGtUB38tD.jOBTKXfZe'],
  ['bcrypt $2a$', '$2a$04$LJ3m4ys3Lk0ZSq1XG0xJ7O2.ET9ZPcqfR43VmMGpxHdHuZ.D3M0dm'],
  ['bcrypt $2y$', '$2y$04$LJ3m4ys3Lk0ZSq1XG0xJ7O2.ET9ZPcqfR43VmMGpxHdHuZ.D3M0dm'],
  ['argon2id', '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$qtlzDz4/eo0LDM9z7tgRSv0GeFUefkuF2q4JhQPz9OE'],
  [
    'argon2id of PHP and RFC 9106',
    '$argon2id$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$NydZM7AKQahxsxpLvoiwm7xYWr5n1B6OqSP/ZcdtKwU',
  ],
  [
    'argon2id of Django',
    'argon2$argon2id$v=19$m=102400,t=2,p=8$AAECAwQFBgcICQoLDA0ODw$zRED3TLxMWuTAKFRNaanPFe7GNrn/YwbwJV5rCDP3V8',
  ],
  ['argon2i', '$argon2i$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$dLHBCFoQMgS01cumt7xTiXfDR7SHayTPlgjBc+UkKfQ'],
  ['argon2d', '$argon2d$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$QSOrO+wUwpq1eE2KAmv2Y+2NtVQ1ls2fITcpFItd/AA'],
  ['argon2 1.0', '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ', 'password'],
  ['scrypt', '$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$MGAfJ2eZxhu0QwgVm7lYPP/DDfkD1LQYs2S8iG5k3t8'],
  [
    'scrypt, RFC 7914, N=1024',
    '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA',
    'password',
  ],
  [
    'scrypt, RFC 7914, N=16384',
    '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
    'pleaseletmein',
  ],
  [
    'scrypt of Werkzeug',
    'scrypt:32768:8:1$q9xK2mVt8RzL$ac1997dc2317c55b965eeab00279b92f0d469cbfebf470771419d42cd43a86473e966aa588584f75acc1223a767fcd2b5b3c5bd96b4823ce3208f36dec931866',
  ],
  [
    'scrypt of Django',
    'scrypt$16384$q9xK2mVt8RzL$8$5$xTaysmgI59SzBc5a6h4y1QmVIyPmWGbvrJHTgKOXlcS0pVvvUgto37g6TeOq+dgxbSWGj5XmhxKenVXrDPyjlw==',
  ],
  ['PBKDF2-SHA-1 of passlib', '$pbkdf2$29000$....AAECAwQFBgcICQoLDA$M22p2iOAwujVxd8KsRa38zmbifg'],
  ['PBKDF2-SHA-1 of Django', 'pbkdf2_sha1$26000$q9xK2mVt8RzL$0OKOWU0KxuNCilt5Gwvrc9nlh0E='],
  ['PBKDF2-SHA-1 of Werkzeug', 'pbkdf2:sha1:26000$q9xK2mVt8RzL$d0e28e594d0ac6e3428a5b791b0beb73d9e58741'],
  [
    'PBKDF2-SHA-256 of passlib',
    '$pbkdf2-sha256$29000$....AAECAwQFBgcICQoLDA$JFsge4wzolDmdSxar79oQWkJgLFSECSj3ZzWKIxAZoA',
  ],
  [
    'PBKDF2-SHA-256 as a PHC string',
    '$pbkdf2-sha256$i=29000$++++AAECAwQFBgcICQoLDA$JFsge4wzolDmdSxar79oQWkJgLFSECSj3ZzWKIxAZoA',
  ],
  [
    'PBKDF2-SHA-256 as a PHC string with length',
    '$pbkdf2-sha256$i=29000,l=32$++++AAECAwQFBgcICQoLDA$JFsge4wzolDmdSxar79oQWkJgLFSECSj3ZzWKIxAZoA',
  ],
  ['PBKDF2-SHA-256 of Django', 'pbkdf2_sha256$26000$q9xK2mVt8RzL$4kq5SdyJXPAVyhdfzuBUvMFL4/ouAe6Zabfk1ZKosb0='],
  [
    'PBKDF2-SHA-256 of Werkzeug',
    'pbkdf2:sha256:26000$q9xK2mVt8RzL$e24ab949dc895cf015ca175fcee054bcc14be3fa2e01ee9969b7e4d592a8b1bd',
  ],
  [
    'PBKDF2-SHA-512 of passlib',
    '$pbkdf2-sha512$29000$....AAECAwQFBgcICQoLDA$wyEVoJgZOD.Dj/X41oOn2H5SgccnwL1NVhA5sQMDq5Q7ExJCIP7ODZibAMAta4PF1pO.s5PH1hKd38ioSyhXlQ',
  ],
  [
    'PBKDF2-SHA-512 of Django',
    'pbkdf2_sha512$26000$q9xK2mVt8RzL$4xHB6iJ+uFowA8kYG8qya6GpadhLuX9XdrcuzCzZ8/PcFV9bZztKXMpTehIloDqwigDrajKVDTHI427POtVp4Q==',
  ],
];

describe('A3 imported hashes', () => {
  it.each(KNOWN)('verifies %s', async (_, hash, password = PASSWORD) => {
    const imported = parseImportedHash(hash);
    expect(await imported.verify(password)).toBe(true);
    expect(await imported.verify(`${password} `)).toBe(false);
    expect(await imported.verify('')).toBe(false);
  });

  it.each(KNOWN)('refuses %s when it was cut off', (_, hash) => {
    const cut = hash.slice(0, hash.lastIndexOf('$') + 9);
    expect(() => parseImportedHash(cut)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

describe('case 25: a hostile imported hash is refused before computing', () => {
  it.each([
    ['argon2 of 4 GiB', `$argon2id$v=19$m=4194304,t=2,p=1$${SALT}$${HASH}`],
    ['argon2 of 4 TiB', `$argon2id$v=19$m=4294967295,t=2,p=1$${SALT}$${HASH}`],
    ['argon2 just above the cap', `$argon2id$v=19$m=131073,t=2,p=1$${SALT}$${HASH}`],
    ['argon2 with 2^30 passes', `$argon2id$v=19$m=19456,t=1073741824,p=1$${SALT}$${HASH}`],
    ['argon2 with 255 lanes', `$argon2id$v=19$m=19456,t=2,p=255$${SALT}$${HASH}`],
    ['argon2 with a memory of 100 digits', `$argon2d$v=19$m=${'9'.repeat(100)},t=2,p=1$${SALT}$${HASH}`],
    ['bcrypt of 2^31 rounds', `$2b$31$LJ3m4ys3Lk0ZSq1XG0xJ7O${'.'.repeat(31)}`],
    ['bcrypt just above the cap', `$2y$15$LJ3m4ys3Lk0ZSq1XG0xJ7O${'.'.repeat(31)}`],
    ['scrypt of 4 GiB', `$scrypt$ln=22,r=8,p=1$${SALT}$${HASH}`],
    ['scrypt with ln=63', `$scrypt$ln=63,r=8,p=1$${SALT}$${HASH}`],
    ['scrypt with ln=64, which would be 1 in 64 bits', `$scrypt$ln=64,r=8,p=1$${SALT}$${HASH}`],
    ['scrypt with ln of 100 digits', `$scrypt$ln=${'9'.repeat(100)},r=8,p=1$${SALT}$${HASH}`],
    ['scrypt with p=2^31', `$scrypt$ln=4,r=8,p=2147483648$${SALT}$${HASH}`],
    ['scrypt with p=2^32+1', `$scrypt$ln=14,r=8,p=4294967297$${SALT}$${HASH}`],
    ['scrypt with a huge r', `$scrypt$ln=1,r=1073741823,p=1$${SALT}$${HASH}`],
    ['scrypt with a large p', `$scrypt$ln=14,r=8,p=17$${SALT}$${HASH}`],
    ['scrypt of Werkzeug with N=2^30', `scrypt:1073741824:8:1$salt$${'00'.repeat(64)}`],
    ['scrypt of Django with N=2^30', `scrypt$1073741824$salt$8$1$${HASH}`],
    ['PBKDF2 of 2^30 rounds', `$pbkdf2-sha256$1073741824$${SALT}$${HASH}`],
    ['PBKDF2 just above the cap', `$pbkdf2-sha256$i=2000001$${SALT}$${HASH}`],
    ['PBKDF2 of Django of 2^30 rounds', `pbkdf2_sha256$1073741824$salt$${HASH}=`],
    ['PBKDF2 of Werkzeug of 2^30 rounds', `pbkdf2:sha512:1073741824$salt$${'00'.repeat(64)}`],
    ['PBKDF2 whose four blocks multiply its rounds', `$pbkdf2$i=1000000$${SALT}$${b64(64)}`],
  ])('%s', (_, hash) => {
    expect(() => parseImportedHash(hash)).toThrow(expect.objectContaining({ code: 'cost_too_high' }));
  });

  it.each([
    ['a megabyte', `$scrypt$ln=14,r=8,p=1$${'A'.repeat(2 ** 20)}$${HASH}`],
    ['an enormous salt', `$scrypt$ln=14,r=8,p=1$${b64(129)}$${HASH}`],
    ['an enormous salt as text', `pbkdf2_sha256$1000$${'s'.repeat(129)}$${HASH}=`],
    ['an enormous hash', `$pbkdf2-sha512$i=1000$${SALT}$${b64(65)}`],
    ['an empty salt', `$scrypt$ln=14,r=8,p=1$$${HASH}`],
    ['an empty hash of scrypt', `$scrypt$ln=14,r=8,p=1$${SALT}$`],
    ['an empty hash of argon2', `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$`],
    ['an empty hash of PBKDF2', `pbkdf2:sha256:1000$salt$`],
    ['a hash of 15 bytes', `$pbkdf2-sha256$1000$${SALT}$${b64(15)}`],
    ['an argon2 salt of 7 bytes', `$argon2id$v=19$m=19456,t=2,p=1$${b64(7)}$${HASH}`],
    ['argon2 with less than 8 KiB a lane', `$argon2id$v=19$m=64,t=2,p=9$${SALT}$${HASH}`],
    ['argon2 of an unknown version', `$argon2id$v=20$m=19456,t=2,p=1$${SALT}$${HASH}`],
    ['argon2 without parameters', `$argon2id$v=19$$${SALT}$${HASH}`],
    ['argon2 with a key', `$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAA$${SALT}$${HASH}`],
    ['a negative memory', `$argon2id$v=19$m=-19456,t=2,p=1$${SALT}$${HASH}`],
    ['no passes', `$argon2id$v=19$m=19456,t=0,p=1$${SALT}$${HASH}`],
    ['an exponent', `$scrypt$ln=1e1,r=8,p=1$${SALT}$${HASH}`],
    ['ln=0', `$scrypt$ln=0,r=8,p=1$${SALT}$${HASH}`],
    ['r=0', `$scrypt$ln=14,r=0,p=1$${SALT}$${HASH}`],
    ['ln not below 16 r', `$scrypt$ln=16,r=1,p=1$${SALT}$${HASH}`],
    ['N that is no power of two', `scrypt:16383:8:1$salt$${'00'.repeat(64)}`],
    ['no rounds', `$pbkdf2-sha256$0$${SALT}$${HASH}`],
    ['another length than is said', `$pbkdf2-sha256$i=1000,l=64$${SALT}$${HASH}`],
    ['what is not base64', `$pbkdf2-sha256$1000$${SALT}$${'!'.repeat(43)}`],
    ['stray bits at the end of base64', `$pbkdf2-sha256$1000$${SALT}$${HASH.slice(0, -1)}d`],
    ['what is not hexadecimal', `pbkdf2:sha256:1000$salt$${'zz'.repeat(32)}`],
    ['a bcrypt cost below 4', `$2b$03$LJ3m4ys3Lk0ZSq1XG0xJ7O${'.'.repeat(31)}`],
    ['a bcrypt cost above 31', `$2b$99$LJ3m4ys3Lk0ZSq1XG0xJ7O${'.'.repeat(31)}`],
    ['a bcrypt hash with a character too many', `$2b$12$LJ3m4ys3Lk0ZSq1XG0xJ7O${'.'.repeat(32)}`],
    ['stray bits in a bcrypt salt', `$2b$12$LJ3m4ys3Lk0ZSq1XG0xJ7P${'.'.repeat(31)}`],
    ['a line break at the end', `${KNOWN[0]![1]}\n`],
  ])('malformed: %s', (_, hash) => {
    expect(() => parseImportedHash(hash)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it.each([
    ['nothing', ''],
    ['plain text', 'hunter2'],
    ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    [
      'crypt SHA-512',
      '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/',
    ],
    ['bcrypt $2x$', '$2x$12$LJ3m4ys3Lk0ZSq1XG0xJ7OioKjQwU2M.t0GGtUB38tD.jOBTKXfZe'],
    ['argon2 by another name', `$argon2x$v=19$m=19456,t=2,p=1$${SALT}$${HASH}`],
    ['PBKDF2 with MD5', `$pbkdf2-md5$1000$${SALT}$${HASH}`],
    ['space before it', ` ${KNOWN[0]![1]}`],
  ])('unknown: %s', (_, hash) => {
    expect(() => parseImportedHash(hash)).toThrow(expect.objectContaining({ code: 'unknown_scheme' }));
  });

  it('the error holds no part of the hash', () => {
    const hash = `$argon2id$v=19$m=4194304,t=2,p=1$${SALT}$${HASH}`;
    const error = (() => {
      try {
        return parseImportedHash(hash);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(ImportedHashError);
    expect((error as Error).message).toBe('argon2 m may be at most 131072');
  });

  it('the dearest that is taken is really computed', async () => {
    for (const hash of [
      `$argon2id$v=19$m=131072,t=1,p=16$${SALT}$${HASH}`,
      `$scrypt$ln=17,r=8,p=2$${SALT}$${HASH}`,
      `$pbkdf2-sha256$2000000$${SALT}$${HASH}`,
      `$pbkdf2-sha512$2000000$${SALT}$${b64(64)}`,
    ]) {
      expect(await parseImportedHash(hash).verify(PASSWORD)).toBe(false);
    }
  });
});

describe('case 25: bcrypt and what it does not read', () => {
  /** Of 72 times x, and of abc; from crypt(3). */
  const OF_72 = '$2b$04$LJ3m4ys3Lk0ZSq1XG0xJ7O1C9XFflatWv5.5kAK18w0YsSeIR3GnO';
  const OF_ABC = '$2b$04$LJ3m4ys3Lk0ZSq1XG0xJ7OzS5KOdjbjaw0QwJ/mkGnOjkbz3PA2vm';

  it('72 bytes are read', async () => {
    expect(await parseImportedHash(OF_72).verify('x'.repeat(72))).toBe(true);
    expect(await parseImportedHash(OF_72).verify('x'.repeat(71))).toBe(false);
  });

  it.each([
    ['73 bytes', 'x'.repeat(73)],
    ['another end', `${'x'.repeat(72)} and anything`],
    ['72 characters of 73 bytes', `${'x'.repeat(71)}ü`],
    ['256 characters', 'x'.repeat(256)],
  ])('refuses %s', async (_, password) => {
    expect(await parseImportedHash(OF_72).verify(password)).toBe(false);
  });

  it('refuses NUL and what follows', async () => {
    expect(await parseImportedHash(OF_ABC).verify('abc')).toBe(true);
    expect(await parseImportedHash(OF_ABC).verify('abc\0')).toBe(false);
    expect(await parseImportedHash(OF_ABC).verify('abc\0def')).toBe(false);
  });
});
