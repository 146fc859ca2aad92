import { createHash, randomBytes } from 'node:crypto';
import { escapeLiteral, Pool } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { JointStatement } from '../src/database/joint-statement.js';
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

/** What refreshes send to the database, for all who are there together as well. */
async function bareRate(pool: Pool, tokens: string[]): Promise<number> {
  const rotating = new JointStatement<object, { session_id: string | null }>(
    async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
      const [, { rows }] = (await pool.query(
        `set local role tenon_system; ${sql.replace('?', escapeLiteral(String(values[0])))}`,
      )) as unknown as [unknown, { rows: Row[] }];
      return rows;
    },
    `select * from rotate_refresh_tokens(?, interval '7 days')`,
  );
  const begun = performance.now();
  const until = begun + SECONDS * 1_000;
  let done = 0;
  await Promise.all(
    tokens.map(async (first) => {
      let head = createHash('sha256').update(first).digest('hex');
      while (performance.now() < until) {
        const next = randomBytes(32).toString('hex');
        const { session_id } = await rotating.ask({
          token_hash: head,
          successor_hash: next,
          ip: '127.0.0.1',
          user_agent: 'bench',
        });
        if (session_id === null) throw new Error('the bare refresh found nothing');
        head = next;
        done += 1;
      }
    }),
  );
  return (done * 1_000) / (performance.now() - begun);
}
