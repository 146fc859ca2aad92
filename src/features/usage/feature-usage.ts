import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { Timers } from '../../jobs/timers.js';
import type { CompiledEnvironment, Decision } from '../evaluator/index.js';
import { createUsagePartitions } from './usage.cleanup.js';
import { type DecidedAnswer, type EnvironmentTally, UsageCounts } from './usage-counts.js';
import { organizationRows, totalRows, userRows } from './usage-rows.js';
import { writeUsage } from './usage-write.queries.js';

const FLUSH_EVERY_MS = 60_000;
/** Different counts in memory, 16 MiB at most with the sketches of their users, before it flushes out of turn. */
const MANY_COUNTS = 20_000;

/** For whom, and by which features, something was decided. */
interface Scope {
  organization: { id: string };
  environmentKey: string;
  environment: CompiledEnvironment;
}

/**
 * Counts what callers are told of features, in memory, and writes it down once a minute and when the process stops. A process
 * that is killed loses what it counted since; a flush whose commit was lost on the way may count twice. What there was no room
 * for is not counted, and the log says how much.
 */
@Injectable()
export class FeatureUsage implements OnApplicationShutdown {
  private readonly log = new Logger('feature-usage');
  private readonly counts = new UsageCounts();
  private readonly em: EntityManager;
  private flushing: Promise<void> = Promise.resolve();
  private mayFlushEarly = true;
  /** The day for which there are partitions. */
  private day = '';

  constructor(em: EntityManager, timers: Timers) {
    this.em = em.fork({ disableContextResolution: true });
    timers.add({ name: 'feature-usage', everyMs: FLUSH_EVERY_MS, run: () => this.flush() });
  }

  /** Somebody asked for a feature by its key, and was told this. */
  asked({ organization, environmentKey }: Scope, feature: string, decision: Decision, user: string | null): void {
    this.counts.one(organization.id, environmentKey, feature, decision, user);
    this.bound();
  }

  /** Somebody asked for all features, and was told this. */
  askedAll(answer: DecidedAnswer): void {
    this.counts.all(answer);
    this.bound();
  }

  /** Somebody was given an answer with all features that is known, or told that it is still right. */
  askedAgain(answer: DecidedAnswer): void {
    this.counts.again(answer);
  }

  /** Writes down what was counted; what cannot be written now is kept for the next time. */
  flush(): Promise<void> {
    const flush = this.flushing.then(() => this.write());
    this.flushing = flush.catch(() => undefined);
    return flush;
  }

  /** When every request has its answer. */
  async onApplicationShutdown(): Promise<void> {
    await this.flush().catch((error: unknown) => this.log.warn({ err: error }, 'some usage was not written down'));
  }

  private bound(): void {
    if (this.counts.size < MANY_COUNTS || !this.mayFlushEarly) return;
    this.mayFlushEarly = false;
    this.flush().catch((error: unknown) => this.log.warn({ err: error }, 'usage could not be written down'));
  }

  private async write(): Promise<void> {
    const taken = this.counts.take();
    const missed = this.counts.takeMissed();
    if (missed > 0) this.log.warn({ missed }, 'more was asked than is counted at once: some evaluations were not');
    if (taken.length === 0) return;
    try {
      const today = new Date().toISOString().slice(0, 10);
      if (this.day !== today) await createUsagePartitions(this.em);
      this.day = today;
      const usage = {
        totals: each(taken, totalRows),
        organizations: each(taken, organizationRows),
        users: each(taken, userRows),
      };
      await asSystem(this.em, (em) => writeUsage(em, usage));
      this.mayFlushEarly = true;
    } catch (error) {
      this.counts.putBack(taken);
      throw error;
    }
  }
}

function* each<Row>(
  tallies: readonly EnvironmentTally[],
  rows: (tally: EnvironmentTally) => Iterable<Row>,
): Generator<Row> {
  for (const tally of tallies) yield* rows(tally);
}

/** All features as they were decided, to be counted. */
export function answerOf(
  { organization, environmentKey, environment }: Scope,
  decisions: readonly Decision[],
  user: string | null,
): DecidedAnswer {
  return { organizationId: organization.id, environmentKey, keys: environment.keys, decisions, user, again: 0 };
}

/** Who is asked for, as it is counted: an empty targeting key is nobody's. */
export function userOf(targetingKey: unknown): string | null {
  return typeof targetingKey === 'string' && targetingKey !== '' ? targetingKey : null;
}
