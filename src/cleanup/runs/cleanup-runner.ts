import { setTimeout as pause } from 'node:timers/promises';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem, type SystemStatement, systemStatements } from '../../database/tenant-context.js';
import { failureText } from '../../jobs/failure-text.js';
import { type DeliverableMessage, OutboxHandlers } from '../../jobs/outbox-handlers.js';
import { Outbox } from '../../jobs/outbox.service.js';
import { StoppedError } from '../../jobs/time-limit.js';
import { Actor } from '../../kernel/actor.js';
import { findType } from '../expiring-types.js';
import { nextBatch } from './batch-size.js';
import { accountOf, beginRun, endRun, recordCount, recordError, type RunToDo } from './cleanup-runs.queries.js';

export const RUN_TOPIC = 'cleanup-run';

/** What asks for (more) work on a run. */
export interface RunMessage {
  runId: string;
}

/** A database that is away, or a batch that does not end, is waited for this long: about 7 minutes. */
const POLICY = { timeLimitMs: 60_000, firstDelayMs: 1_000, maxDelayMs: 60_000, maxAttempts: 12 };
/** One message works no longer: its transaction is open meanwhile, and an open one keeps what was removed in the tables. */
const SLICE_MS = 15_000;
/** A type whose batches fail so often in a row is left; the others have their turn. */
const TRIES = 3;

/**
 * Removes what has expired, outside of requests. Each batch is a transaction of its own, together with what is told of it,
 * so that the figures of a killed run are those of what is gone. The run goes on where the last batch ended.
 */
@Injectable()
export class CleanupRunner {
  private readonly log = new Logger('cleanup');
  /** Beside the transaction of the message. */
  private readonly own: EntityManager;
  private readonly statement: SystemStatement;

  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
    private readonly audit: AuditService,
    handlers: OutboxHandlers,
  ) {
    this.own = em.fork({ disableContextResolution: true });
    this.statement = systemStatements(this.own);
    handlers.register<RunMessage>(RUN_TOPIC, (message) => this.handle(message), POLICY);
  }

  private async handle({ payload: { runId }, attempts, signal }: DeliverableMessage<RunMessage>): Promise<void> {
    try {
      if (await this.work(runId, signal)) await this.end(this.em, runId);
      else this.outbox.add(RUN_TOPIC, { runId } satisfies RunMessage, { summary: { run: runId } });
    } catch (error) {
      if (attempts + 1 === POLICY.maxAttempts && !(signal.reason instanceof StoppedError))
        await this.end(this.own, runId);
      throw error;
    }
  }

  /** Works on a run for a while. @returns whether nothing is left to do. */
  private async work(runId: string, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + SLICE_MS;
    const run = await asSystem(this.own, (em) => beginRun(em, runId));
    for (const part of run?.types ?? []) if (!(await this.sweep(runId, run!, part, { until, signal }))) return false;
    return true;
  }

  /** Removes what has expired of a type. @returns whether it is done, or given up. */
  private async sweep(
    runId: string,
    { batchSize, dryRun }: RunToDo,
    { type: name, counted, next }: RunToDo['types'][number],
    { until, signal }: { until: number; signal: AbortSignal },
  ): Promise<boolean> {
    const type = findType(name);
    let failures = 0;
    const failed = async (error: unknown): Promise<boolean> => {
      signal.throwIfAborted();
      failures = type ? failures + 1 : TRIES;
      const over = failures === TRIES;
      this.log.warn({ err: error, run: runId, type: name, over }, 'a batch failed');
      // When the database is away this fails as well, and the message is tried again.
      await asSystem(this.own, (em) => recordError(em, runId, name, failureText(error), over));
      return over;
    };
    if (!type) return failed(new Error(`"${name}" is no type of this version`));
    let size = batchSize;
    let after = next;
    let isCounted = counted;
    while (performance.now() < until) {
      signal.throwIfAborted();
      try {
        if (!isCounted) {
          await asSystem(this.own, async (em) => recordCount(em, runId, name, (await type.count(em)).expired, dryRun));
          isCounted = true;
          if (dryRun) return true;
        }
        const began = performance.now();
        ({ next: after } = await type.removeBatch(this.statement, size, after, accountOf(runId, name)));
        failures = 0;
        if (after === null) return true;
        const following = nextBatch(size, performance.now() - began, batchSize);
        size = following.size;
        if (following.pauseMs > 0) await pause(following.pauseMs, undefined, { signal });
      } catch (error) {
        if (await failed(error)) return true;
        size = Math.ceil(size / 2);
      }
    }
    return false;
  }

  /** Together with "delivered" of the message: one end, one entry in the trail. */
  private async end(em: EntityManager, runId: string): Promise<void> {
    await asSystem(em, async (system) => {
      const ended = await endRun(system, runId);
      if (!ended) return;
      const { status, ...after } = ended;
      this.audit.record(Actor.system('cleanup'), 'cleanup.ended', {
        outcome: status === 'completed' ? 'success' : 'failure',
        target: { type: 'cleanup_run', id: runId },
        after,
      });
      await system.flush();
    });
  }
}
