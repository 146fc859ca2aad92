import { Migration } from '@mikro-orm/migrations';

/** Finds a stored hash for an address that has none, so that both take the time of the same schemes. */
export class Migration20261121000620_decoys extends Migration {
  override up(): void {
    // A UUIDv7 ends in random bits: read from its end the ids are spread evenly, in an order that never changes.
    this.addSql(
      `create index password_credentials_decoy_index on password_credentials ((reverse(user_id::text) collate "C"))`,
    );
  }

  override down(): void {
    this.addSql(`drop index password_credentials_decoy_index`);
  }
}
