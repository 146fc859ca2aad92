import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { filledDatabase } from './filled-database.js';
import { flagOf, insertFlags } from './filled-features.js';
import type { Figure } from './figure.js';
import { inTurn } from './load.js';
import { asSuperuser } from './people.js';
import { ADMIN, serve, signIn, tenonEnv } from './server.js';

const ORGANIZATIONS = 1_000;
const FEATURES = 50;
const ROUNDS = 5;
const TEMPLATES = '/api/v1/feature-templates';

/** What an application writes, and nothing else: the overrides, and an entry in the trail for each. */
const BARE = [
  `insert into organization_feature_settings
     (organization_id, id, feature_key, value, reason, created_at, updated_at)
   select o.id, uuid_v7(), f.key, 'true', 'Template many: For a bench', now(), now()
     from organizations o cross join feature_definitions f`,
  `insert into audit_log
     (id, occurred_at, organization_id, actor_kind, action, outcome, target_type, target_id, after, reason)
   select uuid_v7(), now(), o.id, 'user', 'feature.overridden', 'success', 'feature', f.key,
          jsonb_build_object('value', true, 'environment', null, 'expiresAt', null, 'reason', 'Template many: For a bench'),
          'Template many: For a bench'
     from organizations o cross join feature_definitions f`,
];

/**
 * A template of 50 features that is given to 1,000 organizations, from its beginning to the commit, against the two
 * statements that write the same 50,000 overrides and entries of the trail, in one transaction.
 */
export async function featureTemplatesBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const database = await filledDatabase(postgres, 'bench_feature_templates', {
    people: 1_000,
    organizations: ORGANIZATIONS,
    tenants: 1,
    members: 2,
    invitations: 0,
    entries: 0,
  });
  const client = await asSuperuser(database);
  await client.query(
    `delete from organizations where id not in (select id from organizations order by id limit ${ORGANIZATIONS})`,
  );
  await insertFlags(client, FEATURES);
  const tenon = await serve('src/main', [], { ...tenonEnv(database), RATE_LIMITS: 'off' }, '/health');
  const { accessToken } = await signIn(tenon.url, ADMIN.email, ADMIN.password);
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
    const answer = await fetch(tenon.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const values = Array.from({ length: FEATURES }, (_, index) => ({ feature: flagOf(index), value: true }));
  await post(TEMPLATES, { key: 'many', name: 'Many', values });
  const { applied, bare } = await inTurn(ROUNDS, {
    applied: async () => {
      await empty(client);
      const { id } = await post(`${TEMPLATES}/many/applications`, { all: true, reason: 'For a bench' });
      return ended(client, id);
    },
    bare: async () => {
      await empty(client);
      const begun = performance.now();
      await client.query('begin');
      for (const statement of BARE) await client.query(statement);
      await client.query('commit');
      return performance.now() - begun;
    },
  });
  await tenon.stop();
  await client.end();
  await database.drop();
  const name = `${FEATURES} features to ${ORGANIZATIONS} organizations : the same rows, bare`;
  return [{ name, figure: applied, limit: bare, unit: 'ms' }];
}

/** Ms that an application took, by the database's clock. */
async function ended(client: Client, id: string): Promise<number> {
  for (;;) {
    const { rows } = await client.query<{ status: string; ms: string }>(
      `select status, extract(epoch from finished_at - started_at) * 1000 as ms from template_application_logs where id = $1`,
      [id],
    );
    const { status, ms } = rows[0]!;
    if (status === 'completed') return Number(ms);
    if (status === 'failed') throw new Error('the application failed');
    await sleep(20);
  }
}

async function empty(client: Client): Promise<void> {
  await client.query('truncate organization_feature_settings, template_application_changes, audit_log');
  await client.query('vacuum (analyze) organization_feature_settings');
}
