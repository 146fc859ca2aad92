import { Injectable } from '@nestjs/common';

/** Reads what those are called now whom it knows, by their ids. Whoever deleted their account has no name. */
export type NamesLookup = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/**
 * Names for entries of the trail, which keep ids alone: a name that was changed or erased is so in every entry. Who
 * people and service accounts are is known above this room, by those who call {@link provide}.
 */
@Injectable()
export class AuditNames {
  private readonly lookups: NamesLookup[] = [];

  provide(lookup: NamesLookup): void {
    this.lookups.push(lookup);
  }

  /** The names of those who have one, in one query for each who provides them; ids that are null are left out. */
  async of(ids: Iterable<string | null>): Promise<ReadonlyMap<string, string>> {
    if (this.lookups.length === 0) throw new Error('Nobody provides the names of people');
    const wanted = [...new Set(ids)].filter((id) => id !== null);
    if (wanted.length === 0) return new Map();
    const found = await Promise.all(this.lookups.map((lookup) => lookup(wanted)));
    return new Map(found.flatMap((names) => [...names]));
  }
}
