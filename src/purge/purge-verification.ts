import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Client } from 'pg';
import { Env } from '../../config/env.js';
import { TrialRegistration } from '../auth/registration/trial-registration.js';
import { PurgeRules } from '../database/purge-rules.js';
import { asSystem } from '../database/tenant-context.js';
import { describeDifference, verifySchema } from '../database/verify.js';
import { failureText } from '../jobs/failure-text.js';
import { Actor } from '../kernel/actor.js';
import { Readiness } from '../kernel/readiness.js';
import { countTables, enterPlan } from './purge.queries.js';
import { PurgePlan, type PurgeCheck } from './purge-plan.entity.js';
import type { RemovableRows } from './removable-rows.js';

const PROBE_TIMEOUT_MS = 2_000;
/** Differences of the schema that are told one by one. */
const TOLD = 10;

/** Looks whether a purge left the installation as it should be. */
@Injectable()
export class PurgeVerification {
  private readonly own: EntityManager;

  constructor(
    em: EntityManager,
    private readonly env: Env,
    private readonly rules: PurgeRules,
    private readonly readiness: Readiness,
    private readonly trial: TrialRegistration,
  ) {
    this.own = em.fork({ disableContextResolution: true });
  }

  /** Everything that is looked at, also after something was not as it should be. */
  async run(planId: string, rows: RemovableRows): Promise<PurgeCheck[]> {
    return [
      ...(await this.counts(planId, rows)),
      await check('schema', () => this.schema()),
      await check('health', () => this.health()),
      await check('registration', async () => {
        await this.trial.run(Actor.system('purge'));
        return 'Somebody registered, proved their address, and was removed again';
      }),
    ];
  }

  private async counts(planId: string, rows: RemovableRows): Promise<PurgeCheck[]> {
    const { before, after } = await asSystem(this.own, async (em) => {
      await enterPlan(em, this.env.purgeTestAddresses, planId);
      const plan = await em.findOneOrFail(PurgePlan, planId);
      return { before: plan.before ?? [], after: await countTables(em, rows) };
    });
    // What comes and goes while people work is no sign of anything.
    const steady = after.filter(({ table }) => !this.rules.of(table)?.volatile);
    const left = steady.filter(({ remove }) => remove > 0).map(({ table, remove }) => `${table} ${remove}`);
    const lost = steady.flatMap(({ table, keep }) => {
      const was = before.find((counted) => counted.table === table)?.keep ?? 0;
      return this.rules.of(table) && keep < was ? [`${table} ${was} → ${keep}`] : [];
    });
    return [
      {
        name: 'rows',
        passed: left.length === 0,
        detail: left.length === 0 ? 'Nothing of what was to go is left' : `Still there, or new: ${left.join(', ')}`,
      },
      {
        name: 'kept',
        passed: lost.length === 0,
        detail: lost.length === 0 ? 'What was to stay is there' : `Fewer than before: ${lost.join(', ')}`,
      },
    ];
  }

  /** @throws Error that names what is different. */
  private async schema(): Promise<string> {
    const client = new Client({ connectionString: this.env.databaseUrl, connectionTimeoutMillis: 5_000 });
    await client.connect();
    const differences = await verifySchema(client).finally(() => client.end());
    if (differences.length > 0) throw new Failed(differences.slice(0, TOLD).map(describeDifference).join('; '));
    return 'Tables, columns, indexes, constraints and policies are what this version expects';
  }

  /** @throws Error that names what is down. */
  private async health(): Promise<string> {
    const report = Object.entries(await this.readiness.report(PROBE_TIMEOUT_MS));
    const down = report.filter(([, { state }]) => state === 'down').map(([name]) => name);
    if (down.length > 0) throw new Failed(`Down: ${down.join(', ')}`);
    return report.map(([name, { state }]) => `${name} ${state}`).join(', ');
  }
}

/** Says itself what was seen. */
class Failed extends Error {}

async function check(name: PurgeCheck['name'], look: () => Promise<string>): Promise<PurgeCheck> {
  try {
    return { name, passed: true, detail: await look() };
  } catch (error) {
    return { name, passed: false, detail: error instanceof Failed ? error.message : failureText(error) };
  }
}
