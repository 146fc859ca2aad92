import type { ChangeWork, FeatureChanges, FeatureWriter } from '../feature-changes.js';
import { readStoredFeatures, type StoredFeatures } from '../snapshots/stored-features.queries.js';

/** Changes of features that are made with every check, and taken back once it is read what would be stored. */
export class DryRun implements FeatureWriter {
  private found: StoredFeatures | null = null;

  constructor(private readonly changes: FeatureChanges) {}

  /** What would be stored after the change. @throws Error when none was made. */
  get stored(): StoredFeatures {
    if (!this.found) throw new Error('Nothing was tried out');
    return this.found;
  }

  async change<T>(work: ChangeWork<T>): Promise<T> {
    const { done, seen } = await this.changes.tryOut(work, (em) => readStoredFeatures(em, null));
    this.found = seen;
    return done;
  }
}
