import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { ChangeBus } from '../database/change-bus.js';
import { asSystem } from '../database/tenant-context.js';
import { EnvironmentChanges } from '../environments/environment-changes.js';
import { Places } from '../kernel/places.js';
import { problem } from '../kernel/problem.js';
import { type ChangeOrigin, OpenChange } from './change-log/change-entry.js';
import { refuseUngated } from './change-policies/gate.js';
import { writeEntries } from './change-log/change-log.queries.js';

/** The topic of the change bus. Keys: `reports` a feature, `segment:beta`, `environment:production`, `*` all. */
export const FEATURES_TOPIC = 'features';
/** Stands for everything. */
export const EVERYTHING = '*';
/** A payload of NOTIFY ends at 8,000 bytes, and keys have up to 112 of them. */
const MAX_KEYS = 60;

/** 'features': whoever changes them has it alone, whoever needs them to stay shares it. */
const CHANGE_LOCK = 7_362_640_109;
/** Waiting for it keeps a connection from others: for less than the 3 s that these wait for one. */
const LOCK_TIMEOUT = '2s';
/** Less than the second after which PostgreSQL looks for a deadlock, and ends either side of it. */
const SHORT_LOCK_TIMEOUT = '500ms';
/** How long somebody waits for what is only tried; asking costs about a millisecond. */
const GIVES_WAY_AFTER_MS = 100;
/** In the process, where waiting costs nothing; a client is told before it gives up. */
const LONGEST_WAIT_MS = 10_000;
/** The place of what has features alone. */
const ALONE = 'features';

/** A change that was committed: the revision that it made, and what it named. */
export interface FeaturesChanged {
  revision: number;
  keys: readonly string[];
}

/** Somebody who keeps features in memory; resolves once it holds what was committed. */
export type FeatureListener = (change: FeaturesChanged) => Promise<void>;

/** Somebody who has to do with what a change made; runs in its transaction, once it is let through. */
export type ChangeFollower = (em: EntityManager, change: OpenChange) => Promise<void>;

/** What changes features in a transaction: it notes what it changed in its second argument. */
export type ChangeWork<T> = (em: EntityManager, change: OpenChange) => Promise<T>;

/** Where changes are made: for good, or as part of a larger one, or only tried. */
export type FeatureWriter = Pick<FeatureChanges, 'change'>;

/**
 * How definitions, configurations, segments and environments are changed: one transaction after the other, counted by
 * `feature_revision`, kept in the change log, and told to every instance with the commit. Whoever writes waits for the one
 * before, so checks of the graph see all that was written, and two writes cannot make together what neither of them makes
 * alone.
 */
@Injectable()
export class FeatureChanges implements OnModuleInit {
  private readonly log = new Logger('features');
  private readonly listeners: FeatureListener[] = [];
  private readonly followers: ChangeFollower[] = [];
  /** Half of the pool for all that may wait for the lock: the other half is for those who need no features. */
  private readonly places: Places;

  constructor(
    private readonly em: EntityManager,
    private readonly bus: ChangeBus,
    private readonly environments: EnvironmentChanges,
    env: Env,
  ) {
    this.places = new Places(Math.floor(env.databasePoolSize / 2), LONGEST_WAIT_MS);
  }

  /** Environments are a room below: what they change is counted and told the same way. */
  onModuleInit(): void {
    this.environments.provide((key, work) =>
      this.change((em, change) => {
        change.names(`environment:${key}`);
        return work(em);
      }),
    );
  }

  /** Adds somebody whom a writer of this instance waits for, so that it reads what it wrote. */
  onChange(listener: FeatureListener): void {
    this.listeners.push(listener);
  }

  /** Adds somebody who is told of each change before it commits, and not of what is only tried. */
  onCommitting(follower: ChangeFollower): void {
    this.followers.push(follower);
  }

  /**
   * Runs a change as `tenon_system`, alone among the changes of features of all instances.
   * @param urgent before all that wait in this instance, as switching something off is.
   * @throws Problem `feature_change_needs_approval` or `feature_change_needs_reason` where a policy says so.
   * @throws WaitedTooLong, or the database's 55P03: others have features for too long.
   */
  async change<T>(work: ChangeWork<T>, origin: ChangeOrigin = {}, urgent = false): Promise<T> {
    const open = new OpenChange();
    let committed: FeaturesChanged | null = null;
    const result = await this.inTurn(async (em) => {
      await holdFeaturesAlone(em);
      const done = await work(em, open);
      await em.flush();
      const keys = open.keys.size > MAX_KEYS ? [EVERYTHING] : [...open.keys];
      if (keys.length > 0) {
        const [row] = await em.execute<[{ revision: string }]>(
          'update feature_revision set revision = revision + 1 where id = 1 returning revision',
        );
        committed = { revision: Number(row.revision), keys };
        await refuseUngated(em, open.entries, origin);
        for (const follower of this.followers) await follower(em, open);
        open.written = await writeEntries(em, open.entries, committed.revision, origin);
        await this.bus.announce(em, FEATURES_TOPIC, [String(committed.revision), ...keys]);
      }
      return done;
    }, urgent);
    if (committed) await this.refresh(committed);
    return result;
  }

  /** Makes changes part of one that is open: they commit with it, under its origin. */
  within(em: EntityManager, open: OpenChange): FeatureWriter {
    return { change: (work) => work(em, open) };
  }

  /**
   * Makes a change as {@link change} would, lets `look` see what is stored then, and takes it back.
   * @throws whatever the change itself would throw, but for what policies ask.
   */
  async tryOut<T, Seen>(
    work: ChangeWork<T>,
    look: (em: EntityManager, change: OpenChange) => Promise<Seen>,
  ): Promise<{ done: T; seen: Seen }> {
    const tried = new TriedOut<{ done: T; seen: Seen }>();
    const open = new OpenChange();
    await this.inTurn(async (em) => {
      await holdFeaturesAlone(em);
      const done = await work(em, open);
      await em.flush();
      tried.result = { done, seen: await look(em, open) };
      throw tried;
    }).catch((error: unknown) => {
      if (error !== tried) throw error;
    });
    return tried.result!;
  }

  /**
   * Makes a long change and takes it back, beside the changes of others: what it reads may be of several moments, each of
   * them committed. Whoever waits for a row that it wrote would hold up everybody, so it gives way to them.
   * @param work calls `giveWay` before each of its steps.
   * @throws Problem `service_unavailable` when it gave way.
   */
  async tryBeside<T>(
    work: (em: EntityManager, change: OpenChange, giveWay: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const tried = new TriedOut<T>();
    const run = async (em: EntityManager): Promise<never> => {
      await em.execute(`set local lock_timeout = '${SHORT_LOCK_TIMEOUT}'`);
      tried.result = await work(em, new OpenChange(), givingWay(em));
      throw tried;
    };
    await this.beside('dry run', () => asSystem(this.em, run)).catch((error: unknown) => {
      if (error !== tried) throw error;
    });
    return tried.result!;
  }

  /**
   * Runs a transaction that calls {@link holdFeatures}, once those before it of the same key have ended and few enough are
   * under way: who waits in the database has a connection that others need.
   * @throws WaitedTooLong
   */
  beside<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.places.take(key, work);
  }

  /** A transaction once those before it in this instance have ended. */
  private inTurn<T>(work: (em: EntityManager) => Promise<T>, urgent = false): Promise<T> {
    const run = (): Promise<T> => asSystem(this.em, work);
    // Part of what has its turn.
    return this.em.isInTransaction() ? run() : this.places.take(ALONE, run, urgent);
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

/** Ends a transaction that another one waits for. */
function givingWay(em: EntityManager): () => Promise<void> {
  let asked = Date.now();
  return async () => {
    if (Date.now() - asked < GIVES_WAY_AFTER_MS) return;
    const waiting = await em.execute<unknown[]>(
      'select pid from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1',
    );
    if (waiting.length > 0)
      throw problem('service_unavailable', {
        detail: 'Somebody changes features of the document right now, and goes first; try again',
        headers: { 'retry-after': '1' },
      });
    asked = Date.now();
  };
}

/** The writer of features, until the transaction ends: alone, and with what the one before has written. */
async function holdFeaturesAlone(em: EntityManager): Promise<void> {
  await lock(em, 'pg_advisory_xact_lock');
  await em.execute('select from feature_revision where id = 1 for update');
}

/**
 * Keeps features as they are until the transaction ends, for a tenant whose change is checked against them. Not by locking
 * `feature_revision`, which takes the right to update it, and would write to it: a tenant may only read it.
 * @throws the database's 55P03 when a change of features takes too long: 503, worth another try.
 */
export async function holdFeatures(em: EntityManager): Promise<void> {
  await lock(em, 'pg_advisory_xact_lock_shared');
}

async function lock(em: EntityManager, by: 'pg_advisory_xact_lock' | 'pg_advisory_xact_lock_shared'): Promise<void> {
  await em.execute(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
  await em.execute(`select ${by}(?)`, [CHANGE_LOCK]);
  await em.execute('set local lock_timeout to default');
}

/** Reads what {@link FeatureChanges} sent on the bus: the revision, then the keys. */
export function readChange([revision, ...keys]: readonly string[]): FeaturesChanged {
  return { revision: Number(revision), keys };
}
