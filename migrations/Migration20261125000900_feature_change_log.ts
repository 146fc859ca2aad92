import { Migration } from '@mikro-orm/migrations';

/** Every change of features, whole before and after, so that it can be shown and taken back. */
export class Migration20261125000900_feature_change_log extends Migration {
  override up(): void {
    // No foreign keys: entries outlive what they speak of.
    this.addSql(`create table feature_change_logs (
        id uuid not null,
        at timestamptz not null,
        revision bigint not null,
        kind text not null,
        feature_key text null,
        segment_key text null,
        environment_key text null,
        before jsonb null,
        after jsonb null,
        reason text null,
        derived boolean not null,
        actor_kind text not null,
        actor_id uuid null,
        request_id text null,
        change_request_id uuid null,
        rolled_back_id uuid null,
        primary key (id),
        constraint feature_change_logs_kind_check check (kind in ('feature', 'configuration', 'segment', 'policy')))`);
    // Each ends in the id, so that a page of one filter comes in order and needs no sort.
    for (const column of ['feature_key', 'segment_key', 'environment_key', 'actor_id', 'change_request_id'])
      this.addSql(
        `create index feature_change_logs_${column}_id_index on feature_change_logs (${column}, id) where ${column} is not null`,
      );
    this.addSql(`alter table feature_change_logs enable row level security`);
    this.addSql(`alter table feature_change_logs force row level security`);
    this.addSql(`create policy system_reads on feature_change_logs for select to tenon_system using (true)`);
    this.addSql(`create policy system_writes on feature_change_logs for insert to tenon_system with check (true)`);
    this.addSql(`revoke all on feature_change_logs from tenon_app, tenon_system`);
    this.addSql(`grant select, insert on feature_change_logs to tenon_system`);
  }

  override down(): void {
    this.addSql(`drop table feature_change_logs`);
  }
}
