import Fastify from 'fastify';
import { Pool } from 'pg';

/** The limits for the list of members: what it asks the database, as the same login, on bare Fastify and `pg`. */
const [appUrl, organizationId, members] = process.argv.slice(2);
const PER_PAGE = 50;
const pool = new Pool({ connectionString: appUrl, max: 10 });
const app = Fastify();
app.get('/health', () => ({ ok: true }));
app.get('/first', () => page('joined_at, user_id'));
app.get('/last', () => page('joined_at desc, user_id desc'));
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));

// The statements of members.queries.ts, with pg's own parameters.
async function page(order: string): Promise<{ data: unknown[]; total: unknown }> {
  const client = await pool.connect();
  try {
    await client.query(`begin; select set_config('app.organization_id', '${organizationId}', true)`);
    const { rows: counted } = await client.query('select member_count from organizations where id = $1', [
      organizationId,
    ]);
    const { rows: data } = await client.query(
      `with page as materialized (
         select user_id, role, joined_at from user_organization_membership
          where organization_id = $1 order by ${order} limit $2)
       select page.*, u.email, u.full_name from page join users u on u.id = page.user_id order by joined_at, user_id`,
      [organizationId, PER_PAGE],
    );
    await client.query('commit');
    if (data.length !== PER_PAGE || counted[0].member_count !== Number(members)) throw new Error('not the page');
    return { data, total: counted[0].member_count };
  } finally {
    client.release();
  }
}
