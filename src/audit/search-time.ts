import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidField } from '../kernel/problem.js';
import type { AuditScope } from './audit-scope.js';

/** A search of the trail may take this long, whatever it is for. A text that none of 1,000,000 holds takes 3 s. */
const LIMIT_MS = 5_000;
/** PostgreSQL's `query_canceled`. */
const CANCELED = '57014';

/** The time that one search has, over all of its statements. */
export class SearchTime {
  private readonly end: number;

  /** @param field of the query that makes the search what it is. */
  constructor(
    private readonly field: string,
    private readonly limitMs = LIMIT_MS,
  ) {
    this.end = Date.now() + limitMs;
  }

  /**
   * Runs `work` in a transaction of the scope, whose statements end in time.
   * @throws Problem `validation_failed` with `search_too_broad` when they do not.
   */
  async run<T>(scope: AuditScope, work: (em: EntityManager) => Promise<T>): Promise<T> {
    const left = this.end - Date.now();
    if (left <= 0) throw this.tooBroad();
    return scope.run(async (em) => {
      await em.execute(`set local statement_timeout = ${left}`);
      return work(em).catch((error: Error & { code?: string }) => {
        throw error.code === CANCELED ? this.tooBroad() : error;
      });
    });
  }

  private tooBroad(): Error {
    return invalidField(
      this.field,
      'search_too_broad',
      `The search would take longer than ${this.limitMs / 1000} s; narrow the time with from and to`,
    );
  }
}
