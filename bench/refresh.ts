import { createHash, randomBytes } from 'node:crypto';
import { escapeLiteral, Pool } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import type { RotatingToken } from '../src/auth/sessions/sessions.queries.js';
import { JointStatement } from '../src/database/joint-statement.js';
import { inTurn, load } from './load.js';
import type { Figure } from './figure.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const AT_ONCE = 16;
const SECONDS = 4;
const ROUNDS = 3;
const ROTATE = `select * from rotate_refresh_tokens(?, interval '7 days')`;

interface Rotated {
  session_id: string | null;
}

/**
 * Refreshes of 16 sessions at once, against what they ask the database for, on `pg`, without HTTP, ORM or signature: each
 * with a statement of its own, and together as the server asks.
 */
export async function refreshBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const tenon = await serve('src/main', [], { ...tenonEnv(postgres), RATE_LIMITS: 'off' }, '/health');
  const pool = new Pool({ connectionString: postgres.appUrl, max: 10 });
  const refreshing = rotatingOn(pool);
  const together = new JointStatement<RotatingToken, Rotated>(refreshing, ROTATE);
  const alone = async (asked: RotatingToken) => (await refreshing<Rotated>(ROTATE, [JSON.stringify([asked])]))[0]!;
  const sessions = () => openSessions(tenon.url);
  const rates = await inTurn(ROUNDS, {
    tenon: async () => refreshes(tenon.url, await sessions()),
    alone: async () => bareRate(alone, await sessions()),
    together: async () => bareRate((asked) => together.ask(asked), await sessions()),
  });
  await pool.end();
  await tenon.stop();
  const name = `refresh, ${AT_ONCE} at once`;
  const unit = 'refreshes/s';
  return [
    { name: `${name} : its statement run bare`, figure: rates.tenon, limit: rates.alone, unit, atLeast: 0.5 },
    { name: `${name} : bare, for all who are there together`, figure: rates.tenon, limit: rates.together, unit },
  ];
}

async function refreshes(url: string, tokens: string[]): Promise<number> {
  const { perSecond } = await load({
    url: `${url}/api/v1/auth/refresh`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    connections: AT_ONCE,
    seconds: SECONDS,
    next: (connection, body) => {
      if (body !== null) tokens[connection] = (JSON.parse(body) as { refreshToken: string }).refreshToken;
      return { body: JSON.stringify({ refreshToken: tokens[connection] }) };
    },
  });
  return perSecond;
}

async function openSessions(url: string): Promise<string[]> {
  const tokens: string[] = [];
  for (let index = 0; index < AT_ONCE; index += 1)
    tokens.push((await signIn(url, ADMIN.email, ADMIN.password)).refreshToken);
  return tokens;
}

/** Statements as `systemStatements()` sends them. */
function rotatingOn(pool: Pool) {
  return async <Row extends object>(sql: string, [asked]: readonly unknown[] = []): Promise<Row[]> => {
    const text = `set local role tenon_system; set local lock_timeout = '3s'; ${sql.replace('?', escapeLiteral(String(asked)))}`;
    const results = (await pool.query(text)) as unknown as { rows: Row[] }[];
    return results.at(-1)!.rows;
  };
}

async function bareRate(rotate: (asked: RotatingToken) => Promise<Rotated>, tokens: string[]): Promise<number> {
  const begun = performance.now();
  const until = begun + SECONDS * 1_000;
  let done = 0;
  await Promise.all(
    tokens.map(async (first) => {
      let head = createHash('sha256').update(first).digest('hex');
      while (performance.now() < until) {
        const next = randomBytes(32).toString('hex');
        const asked = { token_hash: head, successor_hash: next, ip: '127.0.0.1', user_agent: 'bench' };
        if ((await rotate(asked)).session_id === null) throw new Error('the bare refresh found nothing');
        head = next;
        done += 1;
      }
    }),
  );
  return (done * 1_000) / (performance.now() - begun);
}
