import { Injectable } from '@nestjs/common';

/** Reads what people are called now, by their ids. Whoever deleted their account has no name. */
export type NamesLookup = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/**
 * Names for entries of the trail, which keep ids alone: a name that was changed or erased is so in every entry. Who
 * people are is known above this room, by the one who calls {@link provide}.
 */
@Injectable()
export class AuditNames {
  private lookup: NamesLookup | undefined;

  provide(lookup: NamesLookup): void {
    this.lookup = lookup;
  }

  /** The names of those who have one, in one query; ids that are null are left out. */
  async of(ids: Iterable<string | null>): Promise<ReadonlyMap<string, string>> {
    if (!this.lookup) throw new Error('Nobody provides the names of people');
    const people = [...new Set(ids)].filter((id) => id !== null);
    return people.length === 0 ? new Map() : this.lookup(people);
  }
}
