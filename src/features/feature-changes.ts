import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ChangeBus } from '../database/change-bus.js';
import { asSystem } from '../database/tenant-context.js';
import { EnvironmentChanges } from '../environments/environment-changes.js';

/** The topic of the change bus. Keys: `new-dashboard` a feature, `segment:beta`, `environment:production`, `*` all. */
export const FEATURES_TOPIC = 'features';
/** Stands for everything. */
export const EVERYTHING = '*';
/** A payload of NOTIFY ends at 8,000 bytes, and keys have up to 112 of them. */
const MAX_KEYS = 60;

/** 'features': whoever changes them has it alone, whoever needs them to stay shares it. */
const CHANGE_LOCK = 7_362_640_109;

/** A change that was committed: the revision that it made, and what it named. */
export interface FeaturesChanged {
  revision: number;
  keys: readonly string[];
}

/** Somebody who keeps features in memory; resolves once it holds what was committed. */
export type FeatureListener = (change: FeaturesChanged) => Promise<void>;

/** Notes what `work` changed; with nothing noted the transaction is no change. */
export type Changed = (...keys: string[]) => void;

/**
 * How definitions, configurations, segments and environments are changed: one transaction after the other, counted by
 * `feature_revision`, and told to every instance with the commit. Whoever writes waits for the one before, so checks of
 * the graph see all that was written, and two writes cannot make together what neither of them makes alone.
 */
@Injectable()
export class FeatureChanges implements OnModuleInit {
  private readonly log = new Logger('features');
  private readonly listeners: FeatureListener[] = [];
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly em: EntityManager,
    private readonly bus: ChangeBus,
    private readonly environments: EnvironmentChanges,
  ) {}

  /** Environments are a room below: what they change is counted and told the same way. */
  onModuleInit(): void {
    this.environments.provide((key, work) =>
      this.change((em, changed) => {
        changed(`environment:${key}`);
        return work(em);
      }),
    );
  }

  /** Adds somebody whom a writer of this instance waits for, so that it reads what it wrote. */
  onChange(listener: FeatureListener): void {
    this.listeners.push(listener);
  }

  /**
   * Runs a change as `tenon_system`, alone among the changes of features of all instances.
   * @param work notes the keys of what it changed by its second argument.
   */
  async change<T>(work: (em: EntityManager, changed: Changed) => Promise<T>): Promise<T> {
    const noted = new Set<string>();
    let change: FeaturesChanged | null = null;
    const result = await this.inTurn(async (em) => {
      await holdFeaturesAlone(em);
      const done = await work(em, (...more) => more.forEach((key) => noted.add(key)));
      await em.flush();
      const keys = noted.size > MAX_KEYS ? [EVERYTHING] : [...noted];
      if (keys.length > 0) {
        const [row] = await em.execute<[{ revision: string }]>(
          'update feature_revision set revision = revision + 1 where id = 1 returning revision',
        );
        change = { revision: Number(row.revision), keys };
        await this.bus.announce(em, FEATURES_TOPIC, [String(change.revision), ...keys]);
      }
      return done;
    });
    if (change) await this.refresh(change);
    return result;
  }

  /**
   * Makes a change as {@link change} would, lets `look` see what is stored then, and takes it back.
   * @throws whatever the change itself would throw.
   */
  async tryOut<T, Seen>(
    work: (em: EntityManager, changed: Changed) => Promise<T>,
    look: (em: EntityManager) => Promise<Seen>,
  ): Promise<{ done: T; seen: Seen }> {
    const tried = new TriedOut<{ done: T; seen: Seen }>();
    await this.inTurn(async (em) => {
      await holdFeaturesAlone(em);
      const done = await work(em, () => undefined);
      await em.flush();
      tried.result = { done, seen: await look(em) };
      throw tried;
    }).catch((error: unknown) => {
      if (error !== tried) throw error;
    });
    return tried.result!;
  }

  /**
   * A transaction once those before it in this instance have ended: they would wait for each other in the database, each
   * with a connection that others need.
   */
  private inTurn<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const run = (): Promise<T> => asSystem(this.em, work);
    // Part of what has its turn.
    if (this.em.isInTransaction()) return run();
    const turn = this.last.then(run, run);
    this.last = turn;
    return turn;
  }

  /** What was committed stays so, whatever a listener says: they hear of it over the bus, too. */
  private async refresh(change: FeaturesChanged): Promise<void> {
    for (const { status, ...rest } of await Promise.allSettled(this.listeners.map((listener) => listener(change))))
      if (status === 'rejected')
        this.log.warn({ err: (rest as PromiseRejectedResult).reason }, 'a cache did not refresh');
  }
}

/** Ends the transaction of a change that was only tried. */
class TriedOut<Result> extends Error {
  result: Result | null = null;
}

/** The writer of features, until the transaction ends: alone, and with what the one before has written. */
async function holdFeaturesAlone(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(?)', [CHANGE_LOCK]);
  await em.execute('select from feature_revision where id = 1 for update');
}

/**
 * Keeps features as they are until the transaction ends, for a tenant whose change is checked against them. Not by locking
 * `feature_revision`, which takes the right to update it, and would write to it: a tenant may only read it.
 */
export async function holdFeatures(em: EntityManager): Promise<void> {
  await em.execute('select pg_advisory_xact_lock_shared(?)', [CHANGE_LOCK]);
}

/** Reads what {@link FeatureChanges} sent on the bus: the revision, then the keys. */
export function readChange([revision, ...keys]: readonly string[]): FeaturesChanged {
  return { revision: Number(revision), keys };
}
