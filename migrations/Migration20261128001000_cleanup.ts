import { Migration } from '@mikro-orm/migrations';

/** Runs of the cleanup, what each did, and what sweeping needs of other tables. */
export class Migration20261128001000_cleanup extends Migration {
  override up(): void {
    this.addSql(`create table cleanup_runs (
        id uuid not null,
        trigger text not null,
        schedule_id text null,
        slot timestamptz null,
        batch_size int not null,
        dry_run boolean not null,
        status text not null,
        requested_by uuid null,
        created_at timestamptz not null,
        started_at timestamptz null,
        finished_at timestamptz null,
        primary key (id),
        constraint cleanup_runs_status_check check (status in ('queued', 'running', 'completed', 'failed')),
        constraint cleanup_runs_trigger_check check (trigger in ('request', 'schedule', 'command')))`);
    this.addSql(`create index cleanup_runs_created_at_index on cleanup_runs (created_at)`);
    // Each slot once in the fleet.
    this.addSql(
      `alter table cleanup_runs add constraint cleanup_runs_schedule_id_slot_unique unique (schedule_id, slot)`,
    );
    this.addSql(`create table cleanup_run_types (
        run_id uuid not null,
        type text not null,
        position int not null,
        expired int not null default 0,
        deleted int not null default 0,
        batches int not null default 0,
        duration_ms real not null default 0,
        errors int not null default 0,
        last_error text null,
        given_up boolean not null default false,
        next text null,
        started_at timestamptz null,
        finished_at timestamptz null,
        primary key (run_id, type),
        constraint cleanup_run_types_run_id_foreign foreign key (run_id) references cleanup_runs (id) on delete cascade)`);
    this.addSql(`create table cleanup_batches (
        run_id uuid not null,
        type text not null,
        number int not null,
        deleted int not null,
        duration_ms real not null,
        at timestamptz not null,
        primary key (run_id, type, number),
        constraint cleanup_batches_run_id_foreign foreign key (run_id) references cleanup_runs (id) on delete cascade)`);
    for (const table of ['cleanup_runs', 'cleanup_run_types', 'cleanup_batches']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app`);
    }
    this.sweeping();
  }

  private sweeping(): void {
    this.addSql(`create index outbox_ended_index on outbox (created_at) where status <> 'pending'`);
    this.addSql(`create index api_keys_expires_at_index on api_keys (expires_at) where expires_at is not null`);
    // A change is swept by the end of its undoing.
    this.addSql(`drop index email_changes_expires_at_index`);
    this.addSql(`create index email_changes_undo_expires_at_index on email_changes (undo_expires_at)`);
    this.addSql(`
      create function clean_expired_sessions(
        batch_size int default 1000, after timestamptz default '-infinity',
        out removed int, out next timestamptz
      ) language plpgsql set search_path = pg_catalog, public, pg_temp as $$
      begin
        with due as materialized (
          select s.ctid, s.expires_at from public.user_sessions s
           where s.expires_at >= after and s.expires_at < now()
             and (s.revoked_at is null or s.revoked_at < now() - interval '16 minutes')
           order by s.expires_at limit batch_size for update skip locked),
        gone as (
          delete from public.user_sessions where ctid = any (array(select ctid from due)) returning 1)
        select (select count(*) from gone), case when count(*) = batch_size then max(due.expires_at) end
          into removed, next from due;
      end $$`);
    this.addSql(`revoke all on function clean_expired_sessions(int, timestamptz) from public`);
    this.addSql(`grant execute on function clean_expired_sessions(int, timestamptz) to tenon_system`);
  }

  override down(): void {
    this.addSql(`drop function clean_expired_sessions(int, timestamptz)`);
    this.addSql(`drop index email_changes_undo_expires_at_index`);
    this.addSql(`create index email_changes_expires_at_index on email_changes (expires_at)`);
    this.addSql(`drop index api_keys_expires_at_index`);
    this.addSql(`drop index outbox_ended_index`);
    for (const table of ['cleanup_batches', 'cleanup_run_types', 'cleanup_runs']) this.addSql(`drop table ${table}`);
  }
}
