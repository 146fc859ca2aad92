import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem } from '../../kernel/problem.js';
import type { OpenChange } from '../change-log/change-entry.js';

/** Something of a document that was refused, as an admin would be who made it by hand. */
export interface Refused {
  path: string;
  code: string;
  message: string;
}

/** Parts of a change that may be refused: it is noted, and the rest goes on, so that all of it is told at once. */
export class Attempts {
  readonly refused: Refused[] = [];
  /** Paths of what was refused, each once. */
  readonly paths = new Set<string>();
  /** What was refused first. */
  firstProblem: Problem | null = null;

  /**
   * @param em of the transaction that `change` is made in.
   * @param before is waited for before each; its refusal ends all.
   */
  constructor(
    private readonly em: EntityManager,
    private readonly change: OpenChange,
    private readonly before?: () => Promise<void>,
  ) {}

  /** Does something, or notes why it is refused, as if it had not been tried. */
  async make(path: string, work: () => Promise<unknown>): Promise<void> {
    await this.before?.();
    const { length } = this.change.entries;
    await this.em.execute('savepoint attempt');
    try {
      await work();
      await this.em.flush();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await this.em.execute('rollback to savepoint attempt');
      this.change.entries.splice(length);
      this.paths.add(path);
      this.firstProblem ??= error;
      this.refused.push(...toRefused(path, error));
    }
    await this.em.execute('release savepoint attempt');
    // Definitions are written past it: what it remembers of them may have changed.
    this.em.clear();
  }
}

function toRefused(path: string, { code, detail, errors = [] }: Problem): Refused[] {
  if (errors.length === 0) return [{ path, code, message: detail }];
  return errors.map((error) => ({ path: `${path}.${error.field}`, code: error.code, message: error.message }));
}
