import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { verify } from '@node-rs/argon2';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { JointStatement } from '../src/database/joint-statement.js';
import { HASHES_AT_ONCE, HashingPool } from '../src/auth/passwords/hashing-pool.js';

/**
 * The limit for sign-in: what cannot be left out of one, on bare Fastify and `pg`. The two statements for all who are there
 * together, the hash between them in the same pool, and a signed token; nothing is validated, limited, logged or counted.
 */
const [appUrl] = process.argv.slice(2);
const pool = new Pool({ connectionString: appUrl, max: 10 });
const hashing = new HashingPool(HASHES_AT_ONCE, 200);
const run = async <Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> =>
  (await pool.query<Row>(sql, [...values])).rows;
const attempts = new JointStatement<object, Record<string, string>>(
  run,
  'select * from password_attempts($1, 10, 900)',
);
const sessions = new JointStatement<object, Record<string, string>>(
  run,
  `select * from open_sessions_by_password($1, '7 days', '30 days')`,
);
const { privateKey } = generateKeyPairSync('ed25519');
const app = Fastify();
app.get('/health', () => ({ ok: true }));
app.post<{ Body: { email: string; password: string } }>('/login', async ({ body: { email, password }, ip }) => {
  const key = sha256(email).toString('hex');
  const attempt = await attempts.ask({ key, email });
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
  const owner = await sessions.ask({
    attempt_key: key,
    user_id: attempt.user_id,
    email,
    changed_at: attempt.changed_at,
    session_id: id,
    family_key_id: 'bench',
    ip,
    user_agent: null,
    token_hash: sha256(refreshToken).toString('hex'),
    entry: JSON.stringify(entry),
  });
  const claims = `${encode({ alg: 'EdDSA' })}.${encode({ sub: owner.id, sid: id })}`;
  const accessToken = `${claims}.${sign(null, Buffer.from(claims), privateKey).toString('base64url')}`;
  return { accessToken, refreshToken, user: { id: owner.id, email: owner.email, fullName: owner.full_name } };
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
