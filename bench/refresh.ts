import { createHash, randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { load, median } from './load.js';
import type { Figure } from './figure.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const AT_ONCE = 16;
const SECONDS = 4;
const ROUNDS = 3;

/** Refreshes of 16 sessions at once, against the same statements on `pg`, without HTTP, ORM or signature. */
export async function refreshBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const tenon = await serve('src/main', [], { ...tenonEnv(postgres), RATE_LIMITS: 'off' }, '/health');
  const pool = new Pool({ connectionString: postgres.appUrl, max: 10 });
  const figures = { tenon: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.bare.push(await bareRate(pool, await openSessions(tenon.url)));
    const tokens = await openSessions(tenon.url);
    const { perSecond } = await load({
      url: `${tenon.url}/api/v1/auth/refresh`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      connections: AT_ONCE,
      seconds: SECONDS,
      next: (connection, body) => {
        if (body !== null) tokens[connection] = (JSON.parse(body) as { refreshToken: string }).refreshToken;
        return { body: JSON.stringify({ refreshToken: tokens[connection] }) };
      },
    });
    figures.tenon.push(perSecond);
  }
  await pool.end();
  await tenon.stop();
  return [
    {
      name: `refresh, ${AT_ONCE} at once : its statements run bare`,
      figure: median(figures.tenon),
      limit: median(figures.bare),
      unit: 'refreshes/s',
      atLeast: 0.5,
    },
  ];
}

async function openSessions(url: string): Promise<string[]> {
  const tokens: string[] = [];
  for (let index = 0; index < AT_ONCE; index += 1)
    tokens.push((await signIn(url, ADMIN.email, ADMIN.password)).refreshToken);
  return tokens;
}

// The statement of `rotateRefreshToken` in sessions.queries.ts, with pg's own parameters.
const ROTATE = `with used as (
  update refresh_tokens set used_at = clock_timestamp() where token_hash = $1 and used_at is null and expires_at > now() returning session_id),
moved as (
  update user_sessions s set last_active_at = now(), expires_at = least(now() + interval '7 days', s.ends_at), ip = $2, user_agent = $3
    from used, users u
   where s.id = used.session_id and s.revoked_at is null and s.expires_at > now() and u.id = s.user_id and u.status = 'active'
  returning s.id as session_id, s.created_at as authenticated_at, s.methods, s.expires_at, u.id, u.email, u.full_name, u.platform_role),
head as (
  insert into refresh_tokens (token_hash, session_id, created_at, expires_at) select $4, session_id, now(), expires_at from moved)
select session_id, authenticated_at, methods, id, email, full_name, platform_role from moved`;

async function bareRate(pool: Pool, tokens: string[]): Promise<number> {
  const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
  const begun = performance.now();
  const until = begun + SECONDS * 1_000;
  let done = 0;
  await Promise.all(
    tokens.map(async (first) => {
      let head = hashOf(first);
      while (performance.now() < until) {
        const next = randomBytes(32);
        const client = await pool.connect();
        await client.query('begin');
        await client.query('set local role tenon_system');
        const { rowCount } = await client.query(ROTATE, [head, '127.0.0.1', 'bench', next]);
        await client.query('commit');
        client.release();
        if (rowCount !== 1) throw new Error('the bare refresh found nothing');
        head = next;
        done += 1;
      }
    }),
  );
  return (done * 1_000) / (performance.now() - begun);
}
