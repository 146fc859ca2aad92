import Fastify from 'fastify';
import { Pool } from 'pg';

/**
 * The limit for `GET /users/me`: a bare Fastify route that runs its query with `pg`.
 * `/plain` is the query alone; `/context` is what row level security asks of anybody: BEGIN, set_config, the query, COMMIT.
 */
const [url, userId] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 10 });
const QUERY =
  'select id, email, email_verified_at, full_name, locale, time_zone, status, platform_role, created_at, updated_at from users where id = $1';
const app = Fastify();
app.get('/health', () => ({ ok: true }));
app.get('/plain', async () => (await pool.query(QUERY, [userId])).rows[0]);
app.get('/context', async () => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('app.user_id', $1, true)`, [userId]);
    const { rows } = await client.query(QUERY, [userId]);
    await client.query('commit');
    return rows[0];
  } finally {
    client.release();
  }
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));
