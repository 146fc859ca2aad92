import Fastify from 'fastify';
import { Pool } from 'pg';

/** The limits for `GET /users/me`: its statement, and the one that would do without tenants, on bare Fastify and `pg`. */
const [appUrl, superuserUrl, userId] = process.argv.slice(2);
const asApp = new Pool({ connectionString: appUrl, max: 10 });
const asSuperuser = new Pool({ connectionString: superuserUrl, max: 10 });
const app = Fastify();
app.get('/health', () => ({ ok: true }));
app.get('/own', async () => (await asApp.query('select * from own_user($1)', [userId])).rows[0]);
app.get('/select', async () => (await asSuperuser.query('select * from users where id = $1', [userId])).rows[0]);
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));
