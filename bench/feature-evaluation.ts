import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase } from './filled-database.js';
import { CONTEXT, flagOf, headersOf, insertFlags, insertKeys } from './filled-features.js';
import { inTurn, load, type Request } from './load.js';
import type { Figure } from './figure.js';
import { asSuperuser } from './people.js';
import { serve, tenonEnv } from './server.js';

const FLAGS = 203;
const CONNECTIONS = 32;
const SECONDS = 2;
const ROUNDS = 7;
/** The entity tag is another one when the tokens in the answer are: every five minutes. */
const WINDOW_MS = 5 * 60_000;
/** More than a connection asks for in a round. */
const USERS_OF_CONNECTION = 500;

/**
 * OFREP by an API key, against bare Fastify that answers the same bytes, and the same without our headers: one of 203 flags
 * with a constraint and a roll-out, all of them, and all of them for a client that has them already. The context is the same each time, so that an answer
 * with all flags is one that is kept; what it costs to make one, for another user each time, is printed beside.
 */
export async function featureEvaluationBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_feature_evaluation', {
    people: 10,
    organizations: 10,
    tenants: 1,
    members: 2,
    invitations: 0,
    entries: 0,
  });
  const client = await asSuperuser(database);
  await insertFlags(client, FLAGS);
  const [key] = await insertKeys(client, [database.tenants[0]!.organizationId]);
  await client.end();
  const body = JSON.stringify({ context: CONTEXT });
  const headers = headersOf(key!);
  const tenon = await serve('src/main', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  const path = '/ofrep/v1/evaluate/flags';
  const flag = flagOf(100);
  const bare = await serve('bench/bare-ofrep', [tenon.url + path, flag, JSON.stringify(headers), body], {}, '/health');
  const shape = { method: 'POST', connections: CONNECTIONS, seconds: SECONDS, headers, body, awake: true } as const;
  const rate = async (url: string): Promise<number> => (await load({ ...shape, url })).perSecond;
  const rateOf304 = async (url: string): Promise<number> => {
    const tag = await tagOf(tenon.url + path, { headers, body });
    return (await load({ ...shape, url, headers: { ...headers, 'if-none-match': tag }, status: 304 })).perSecond;
  };
  let users = 0;
  const asNewUser = (): Request => {
    const context = { ...CONTEXT, targetingKey: `user-${(users += 1)}` };
    return { method: 'POST', headers, body: JSON.stringify({ context }) };
  };
  const turns = (): Request[] => Array.from({ length: USERS_OF_CONNECTION }, asNewUser);
  const rateOfUsers = async (url: string): Promise<number> => (await load({ ...shape, url, turns })).perSecond;
  const own = tenon.url + path;
  const [whole, bodyOnly] = [`${bare.url}/whole`, `${bare.url}/body`];
  const figures = await inTurn(ROUNDS, {
    single: () => rate(`${own}/${flag}`),
    wholeSingle: () => rate(`${whole}/flags/${flag}`),
    bodyOfSingle: () => rate(`${bodyOnly}/flags/${flag}`),
    bulk: () => rate(own),
    wholeBulk: () => rate(`${whole}/flags`),
    bodyOfBulk: () => rate(`${bodyOnly}/flags`),
    users: () => rateOfUsers(own),
    wholeUsers: () => rateOfUsers(`${whole}/flags`),
    unchanged: () => rateOf304(own),
    wholeUnchanged: () => rateOf304(`${whole}/unchanged`),
    tagUnchanged: () => rateOf304(`${bodyOnly}/unchanged`),
  });
  await Promise.all([tenon.stop(), bare.stop()]);
  await database.drop();
  const unit = 'requests/s';
  const { single, bulk, users: ofUsers, unchanged } = figures;
  const all = `${FLAGS} flags by OFREP`;
  return [
    {
      name: 'one flag by OFREP : the same bytes, bare',
      figure: single,
      limit: figures.wholeSingle,
      unit,
      atLeast: 0.7,
    },
    { name: 'one flag by OFREP : its body alone', figure: single, limit: figures.bodyOfSingle, unit },
    { name: `${all} : the same bytes, bare`, figure: bulk, limit: figures.wholeBulk, unit, atLeast: 0.5 },
    { name: `${all} : their body alone`, figure: bulk, limit: figures.bodyOfBulk, unit },
    { name: `${all}, each for another user : the same bytes`, figure: ofUsers, limit: figures.wholeUsers, unit },
    {
      name: `${all}, unchanged : the same bytes`,
      figure: unchanged,
      limit: figures.wholeUnchanged,
      unit,
      atLeast: 0.7,
    },
    { name: `${all}, unchanged : the tag alone`, figure: unchanged, limit: figures.tagUnchanged, unit },
  ];
}

/** The entity tag that holds for the next seconds. */
async function tagOf(url: string, request: { headers: Record<string, string>; body: string }): Promise<string> {
  const left = WINDOW_MS - (Date.now() % WINDOW_MS);
  if (left < (SECONDS + 2) * 1_000) await sleep(left + 100);
  return (await fetch(url, { ...request, method: 'POST' })).headers.get('etag')!;
}
