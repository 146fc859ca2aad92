import type { EntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from 'pg';
import { type SystemStatement, systemStatements } from './tenant-context.js';

/** Locks of the first are held until the last is done, at 0.1 to 0.3 ms each. */
const MAX_TOGETHER = 32;
/**
 * As long as a request waits for a connection. Whoever waits for a lock has one, and those who wait for one row must not have
 * them all; they are told to try again (503).
 */
export const LOCK_TIMEOUT = '3s';

interface Caller<Asked, Row> {
  asked: Asked;
  resolve(row: Row): void;
  reject(error: unknown): void;
}

/**
 * A statement that answers all who ask within one turn of the event loop, in one transaction: a message, a
 * transaction and its flush to disk are paid once. Whoever asks alone is asked for at once.
 *
 * When the database refuses, nothing was done, and each is asked for again alone: what is wrong with one, or waits for
 * what somebody holds, is of no concern to the others.
 */
export class JointStatement<Asked extends object, Row extends object> {
  private waiting: Caller<Asked, Row>[] = [];

  /**
   * @param sql takes a JSON array of what was asked, as its first value, and gives a row for each element, with its `place`
   * in it from one on. With more than one it must not wait long for locks, nor take them in the order in which they came.
   * @param values its other values.
   */
  constructor(
    private readonly run: SystemStatement,
    private readonly sql: string,
    private readonly values: readonly unknown[] = [],
  ) {}

  /** One across tenants. @param sql as of the constructor; may wait for a lock where it is asked for one alone. */
  static acrossTenants<Asked extends object, Row extends object>(
    em: EntityManager,
    sql: string,
    values?: readonly unknown[],
  ): JointStatement<Asked, Row> {
    return new JointStatement(systemStatements(em, LOCK_TIMEOUT), sql, values);
  }

  /** @returns the row of what is asked. */
  ask(asked: Asked): Promise<Row> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ asked, resolve, reject });
      if (this.waiting.length === 1) setImmediate(() => this.answerWaiting());
    });
  }

  private answerWaiting(): void {
    const callers = this.waiting;
    this.waiting = [];
    for (let first = 0; first < callers.length; first += MAX_TOGETHER)
      void this.answer(callers.slice(first, first + MAX_TOGETHER));
  }

  private async answer(callers: Caller<Asked, Row>[]): Promise<void> {
    try {
      const asked = JSON.stringify(callers.map((caller) => caller.asked));
      const rows = await this.run<Row & { place: string }>(this.sql, [asked, ...this.values]);
      for (const row of rows) callers[Number(row.place) - 1]!.resolve(row);
    } catch (error) {
      if (callers.length > 1 && error instanceof DatabaseError)
        for (const caller of callers) void this.answer([caller]);
      else for (const { reject } of callers) reject(error);
    }
  }
}
