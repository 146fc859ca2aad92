import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { verify } from '@node-rs/argon2';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { HASHES_AT_ONCE, HashingPool } from '../src/auth/passwords/hashing-pool.js';

/**
 * The limit for sign-in: what cannot be left out of one, on bare Fastify and `pg`. The two statements, the hash between
 * them in the same pool, and a signed token; nothing is validated, limited, logged or counted.
 */
const [appUrl] = process.argv.slice(2);
const pool = new Pool({ connectionString: appUrl, max: 10 });
const hashing = new HashingPool(HASHES_AT_ONCE, 200);
const { privateKey } = generateKeyPairSync('ed25519');
const app = Fastify();
app.get('/health', () => ({ ok: true }));
app.post<{ Body: { email: string; password: string } }>('/login', async ({ body: { email, password }, ip }) => {
  const key = sha256(email);
  const attempt = await first('select * from password_attempt($1, $2, $3, 10, 900)', [key, email, key.toString('hex')]);
  if (!(await hashing.run(() => verify(attempt.password_hash!, password)))) throw new Error('a wrong password');
  const id = randomUUID();
  const refreshToken = randomBytes(32).toString('base64url');
  const entry = {
    id: randomUUID(),
    occurred_at: new Date(),
    actor_kind: 'anonymous',
    user_id: attempt.user_id,
    action: 'session.opened',
    outcome: 'success',
    target_type: 'session',
    target_id: id,
    after: { methods: ['pwd'] },
    ip,
    request_id: randomUUID(),
  };
  const owner = await first(
    `select * from open_session_by_password($1, $2, $3, $4, $5, 'bench', '{pwd}', $6, null, $7, '7 days', '30 days', $8)`,
    [attempt.user_id, email, attempt.changed_at, key, id, ip, sha256(refreshToken), JSON.stringify(entry)],
  );
  const claims = `${encode({ alg: 'EdDSA' })}.${encode({ sub: owner.id, sid: id })}`;
  const accessToken = `${claims}.${sign(null, Buffer.from(claims), privateKey).toString('base64url')}`;
  return { accessToken, refreshToken, user: { id: owner.id, email: owner.email, fullName: owner.full_name } };
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));

async function first(sql: string, values: unknown[]): Promise<Record<string, string>> {
  return (await pool.query<Record<string, string>>(sql, values)).rows[0]!;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
