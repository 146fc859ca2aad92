import { Migration } from '@mikro-orm/migrations';

/** The keys that access tokens are signed with. Only the system role reaches them. */
export class Migration20261121000610_signing_keys extends Migration {
  override up(): void {
    this.addSql(`
      create table signing_keys (
        kid uuid not null primary key,
        algorithm varchar(255) not null,
        public_jwk jsonb not null,
        private_key text not null,
        created_at timestamptz not null,
        activated_at timestamptz not null,
        retired_at timestamptz null,
        expires_at timestamptz null
      )`);
    this.addSql(`create unique index signing_keys_current_unique on signing_keys ((true)) where retired_at is null`);
    this.addSql(`alter table signing_keys enable row level security`);
    this.addSql(`alter table signing_keys force row level security`);
    this.addSql(`create policy system on signing_keys to tenon_system using (true) with check (true)`);
    this.addSql(`revoke all on signing_keys from tenon_app`);
  }

  override down(): void {
    this.addSql(`drop table signing_keys`);
  }
}
