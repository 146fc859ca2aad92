import { Migration } from '@mikro-orm/migrations';

/** What is told of a batch costs a third in a function: PostgreSQL keeps its plans, and 600 batches need them 600 times. */
export class Migration20261129002400_record_cleanup_batch extends Migration {
  override up(): void {
    this.addSql(`
      create function record_cleanup_batch(
        of_run uuid, of_type text, removed int, next_batch text, took_ms real
      ) returns void language plpgsql set search_path = pg_catalog, public, pg_temp as $$
      declare
        batch int;
      begin
        update public.cleanup_run_types t
           set deleted = t.deleted + removed, expired = greatest(t.expired, t.deleted + removed),
               batches = t.batches + (removed > 0)::int, duration_ms = t.duration_ms + took_ms, next = next_batch,
               finished_at = case when next_batch is null then clock_timestamp() end
         where t.run_id = of_run and t.type = of_type returning t.batches into batch;
        if batch is not null and removed > 0 then
          insert into public.cleanup_batches (run_id, type, number, deleted, duration_ms, at)
          values (of_run, of_type, batch, removed, took_ms, clock_timestamp());
        end if;
      end $$`);
    this.addSql(`revoke all on function record_cleanup_batch(uuid, text, int, text, real) from public`);
    this.addSql(`grant execute on function record_cleanup_batch(uuid, text, int, text, real) to tenon_system`);
  }

  override down(): void {
    this.addSql(`drop function record_cleanup_batch(uuid, text, int, text, real)`);
  }
}
