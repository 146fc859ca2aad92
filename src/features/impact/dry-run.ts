import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../../database/tenant-context.js';
import type { Changed, FeatureChanges } from '../feature-changes.js';
import { readStoredFeatures, type StoredFeatures } from '../snapshots/stored-features.queries.js';

/** Ends the transaction that was only tried. */
class TriedOut extends Error {}

/**
 * Makes changes of features as they would be made, with every check, reads what would be stored then, and takes them back:
 * what a change would do is found out by the change itself. Waits for its turn as a writer does.
 */
export class DryRun implements Pick<FeatureChanges, 'change'> {
  private found: StoredFeatures | null = null;

  constructor(private readonly em: EntityManager) {}

  /** What would be stored after the change. @throws Error when none was made. */
  get stored(): StoredFeatures {
    if (!this.found) throw new Error('Nothing was tried out');
    return this.found;
  }

  async change<T>(work: (em: EntityManager, changed: Changed) => Promise<T>): Promise<T> {
    let result: { value: T } | null = null;
    await asSystem(this.em, async (em) => {
      await em.execute('select from feature_revision where id = 1 for update');
      result = { value: await work(em, () => undefined) };
      await em.flush();
      this.found = await readStoredFeatures(em, null);
      throw new TriedOut();
    }).catch((error: unknown) => {
      if (!(error instanceof TriedOut)) throw error;
    });
    return result!.value;
  }
}
