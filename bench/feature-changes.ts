import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase } from './filled-database.js';
import { CONTEXT, flagOf, headersOf, insertFlags, insertKeys } from './filled-features.js';
import type { Figure } from './figure.js';
import { asSuperuser } from './people.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const FLAGS = 203;
const CHANGES = 400;
const LIMIT_MS = 100;
/** Nobody waits longer for one change. */
const GIVE_UP_MS = 10_000;

/**
 * How soon a change of a flag on one instance is answered by another one. Counted from the moment at which the change was
 * answered, so that it is committed, to the end of the first answer that shows it; the other is asked without a pause
 * from before the change on. From the moment at which the change was sent it is printed beside it.
 */
export async function featureChangesBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_feature_changes', {
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
  const env = { ...tenonEnv(database), RATE_LIMITS: 'off' };
  const one = await serve('src/main', [], env, '/health');
  const other = await serve('src/main', [], env, '/health');
  const { accessToken } = await signIn(one.url, ADMIN.email, ADMIN.password);
  const admin = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };

  const put = async (flag: string, value: boolean): Promise<number> => {
    const body = JSON.stringify({ enabled: true, rules: [{ name: 'everybody', when: [], value }] });
    const url = `${one.url}/api/v1/features/${flag}/environments/production`;
    const answer = await fetch(url, { method: 'PUT', headers: admin, body });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`PUT: ${answer.status}`);
    return performance.now();
  };
  const shown = async (flag: string, value: boolean): Promise<number> => {
    const request = { method: 'POST', headers: headersOf(key!), body: JSON.stringify({ context: CONTEXT }) };
    const begun = performance.now();
    for (;;) {
      const answer = await fetch(`${other.url}/ofrep/v1/evaluate/flags/${flag}`, request);
      if (((await answer.json()) as { value: boolean }).value === value) return performance.now();
      if (performance.now() - begun > GIVE_UP_MS) throw new Error('a change was never seen');
    }
  };

  const sinceAnswered: number[] = [];
  const sinceSent: number[] = [];
  for (let change = 0; change < CHANGES; change += 1) {
    const flag = flagOf(change % FLAGS);
    // What it is not now, so that no answer from before shows it.
    const value = !(await isOn(`${other.url}/ofrep/v1/evaluate/flags/${flag}`, headersOf(key!)));
    const sent = performance.now();
    const [seen, answered] = await Promise.all([shown(flag, value), put(flag, value)]);
    sinceAnswered.push(Math.max(seen - answered, 0));
    sinceSent.push(seen - sent);
  }
  await Promise.all([one.stop(), other.stop()]);
  await database.drop();
  return [
    figure('a change of a flag, answered, to be seen elsewhere, p50', sinceAnswered, 0.5),
    figure('a change of a flag, answered, to be seen elsewhere, p99', sinceAnswered, 0.99),
    figure('a change of a flag, sent, to be seen elsewhere, p50', sinceSent, 0.5),
    figure('a change of a flag, sent, to be seen elsewhere, p99', sinceSent, 0.99),
  ];
}

async function isOn(url: string, headers: Record<string, string>): Promise<boolean> {
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ context: CONTEXT }) });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return ((await answer.json()) as { value: boolean }).value;
}

function figure(name: string, times: number[], part: number): Figure {
  const sorted = times.toSorted((a, b) => a - b);
  return { name, figure: sorted[Math.ceil(sorted.length * part) - 1]!, limit: LIMIT_MS, unit: 'ms', atMost: 1 };
}
