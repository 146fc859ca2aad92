import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type ImportLine, readImport } from './import-file.js';

const HASH = '$2b$12$LJ3m4ys3Lk0ZSq1XG0xJ7OioKjQwU2M.t0GGtUB38tD.jOBTKXfZe';

/** Everything that the reader says of these bytes. */
const readAll = (bytes: Readable): Promise<ImportLine[]> => Readable.from(readImport(bytes)).toArray();
const read = (content: string | Uint8Array): Promise<ImportLine[]> => readAll(Readable.from([Buffer.from(content)]));

async function refusal(line: string): Promise<string | undefined> {
  const [result] = await read(line);
  return result && 'refused' in result ? result.refused.code : undefined;
}

describe('A3 import file', () => {
  it('reads people, one a line', async () => {
    const full = {
      email: 'ADA@Bücher.example.',
      fullName: ' Ada King ',
      passwordHash: HASH,
      emailVerified: true,
      externalId: '7',
    };
    expect(await read(`${JSON.stringify(full)}\n{"email":"eve@example.com"}`)).toEqual([
      { line: 1, user: { ...full, email: 'ada@xn--bcher-kva.example', fullName: 'Ada King' } },
      { line: 2, user: { email: 'eve@example.com' } },
    ]);
  });

  it('bears a byte order mark, carriage returns, empty lines and a line feed at the end', async () => {
    const lines = await read('\uFEFF{"email":"a@example.com"}\r\n\r\n  \n{"email":"b@example.com"}\r\n');
    expect(lines).toEqual([
      { line: 1, user: { email: 'a@example.com' } },
      { line: 4, user: { email: 'b@example.com' } },
    ]);
    expect(await read('')).toEqual([]);
  });

  it('puts together what the stream cuts, also within a character', async () => {
    const bytes = Buffer.from('{"email":"a@example.com","fullName":"Zoë 🐙"}\n{"email":"b@example.com"}\n');
    const bits = Readable.from(Array.from(bytes, (byte) => Uint8Array.of(byte)));
    expect(await readAll(bits)).toEqual([
      { line: 1, user: { email: 'a@example.com', fullName: 'Zoë 🐙' } },
      { line: 2, user: { email: 'b@example.com' } },
    ]);
  });

  it.each([
    ['half an object', '{"email":', 'malformed_json'],
    ['two objects', '{"email":"a@example.com"}{}', 'malformed_json'],
    ['an array', '["a@example.com"]', 'malformed_json'],
    ['null', 'null', 'malformed_json'],
    ['nesting', '['.repeat(60_000), 'malformed_json'],
    ['an unknown property', '{"email":"a@example.com","role":"admin"}', 'unknown_property'],
    ['__proto__', '{"email":"a@example.com","__proto__":{"emailVerified":true}}', 'unknown_property'],
    ['no e-mail', '{"fullName":"Ada"}', 'email_invalid'],
    ['an invalid e-mail', '{"email":"ada"}', 'email_invalid'],
    ['an e-mail that is none', '{"email":{"$ne":null}}', 'email_invalid'],
    ['an empty name', '{"email":"a@example.com","fullName":" "}', 'full_name_invalid'],
    ['a name of two lines', '{"email":"a@example.com","fullName":"Ada\\r\\nBcc: x"}', 'full_name_invalid'],
    ['NUL in a name', '{"email":"a@example.com","fullName":"Ada\\u0000"}', 'full_name_invalid'],
    ['a lone surrogate in a name', '{"email":"a@example.com","fullName":"Ada\\ud800"}', 'full_name_invalid'],
    ['a long name', `{"email":"a@example.com","fullName":"${'a'.repeat(201)}"}`, 'full_name_invalid'],
    ['a name that is null', '{"email":"a@example.com","fullName":null}', 'full_name_invalid'],
    ['an id that is a number', '{"email":"a@example.com","externalId":7}', 'external_id_invalid'],
    ['"true"', '{"email":"a@example.com","emailVerified":"true"}', 'email_verified_invalid'],
    ['a hash that is a number', '{"email":"a@example.com","passwordHash":7}', 'password_hash_malformed'],
    ['a password', '{"email":"a@example.com","passwordHash":"hunter2"}', 'password_hash_unknown_scheme'],
    ['a cut hash', `{"email":"a@example.com","passwordHash":"${HASH.slice(0, -1)}"}`, 'password_hash_malformed'],
  ])('refuses %s', async (_, line, code) => {
    expect(await refusal(line)).toBe(code);
  });

  it('case 25: refuses a hostile hash and goes on', async () => {
    const hash = `$argon2id$v=19$m=4194304,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
    expect(await read(`{"email":"a@example.com","passwordHash":"${hash}"}\n{"email":"b@example.com"}`)).toEqual([
      { line: 1, refused: { code: 'password_hash_cost_too_high', message: 'argon2 m may be at most 131072' } },
      { line: 2, user: { email: 'b@example.com' } },
    ]);
  });

  it('refuses what is not UTF-8 and goes on', async () => {
    const lines = await read(Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.from('{"email":"b@example.com"}')]));
    expect(lines).toMatchObject([{ refused: { code: 'not_utf8' } }, { user: { email: 'b@example.com' } }]);
  });

  it('takes a line of 64 KiB, refuses one byte more, and counts on', async () => {
    const object = '{"email":"a@example.com"}';
    const lines = await read([object.padEnd(65_536), object.padEnd(65_537), object].join('\n'));
    expect(lines).toMatchObject([
      { line: 1, user: { email: 'a@example.com' } },
      { line: 2, refused: { code: 'line_too_long' } },
      { line: 3, user: { email: 'a@example.com' } },
    ]);
  });

  it('memory is steady: 256 MiB in one line, then 200,000 lines', async () => {
    const filler = Buffer.alloc(2 ** 20, 'x');
    const people = Buffer.from('{"email":"a@example.com"}\n'.repeat(1000));
    function* file(): Generator<Uint8Array> {
      for (let i = 0; i < 256; i += 1) yield filler;
      yield Buffer.from('\n');
      for (let i = 0; i < 200; i += 1) yield people;
    }
    const before = process.memoryUsage().rss;
    let [users, refused, peak] = [0, 0, 0];
    for await (const result of readImport(Readable.from(file()))) {
      if ('user' in result) users += 1;
      else refused += 1;
      if (users % 10_000 === 0) peak = Math.max(peak, process.memoryUsage().rss);
    }
    expect([users, refused]).toEqual([200_000, 1]);
    expect(peak - before).toBeLessThan(150 * 2 ** 20);
  });
});
