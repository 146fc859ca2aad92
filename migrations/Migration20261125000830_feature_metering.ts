import { Migration } from '@mikro-orm/migrations';

/** Counting what organizations use of metered features, in one function each call. */
export class Migration20261125000830_feature_metering extends Migration {
  override up(): void {
    // Null: it never begins anew.
    this.addSql(`alter table feature_meters add column resets_at timestamptz null`);
    this.addSql(`create index feature_meters_resets_at_index on feature_meters (resets_at)`);
    this.addSql(`grant update (resets_at) on feature_meters to tenon_app`);
    this.period();
    this.consume();
    for (const called of [
      'feature_period(text, timestamptz)',
      'consume_feature(uuid, text, text, text, bigint, bigint)',
    ])
      this.addSql(`grant execute on function ${called} to tenon_app, tenon_system`);
  }

  private period(): void {
    // In UTC, whatever the time zone of the session: a month is as long as its days there.
    this.addSql(`
      create function feature_period(period text, at timestamptz, out starts_at timestamptz, out resets_at timestamptz)
      language sql stable as $$
        select case when period = 'never' then timestamptz '1970-01-01 00:00:00+00' else start at time zone 'UTC' end,
               case when period <> 'never' then (start + ('1 ' || unit)::interval) at time zone 'UTC' end
          from (select unit, date_trunc(unit, at at time zone 'UTC') as start
                  from (select case period when 'never' then 'year' else period end as unit) units) starts
      $$`);
  }

  private consume(): void {
    // As the one who calls, so that row security holds. The key comes first: a second call with it waits here until the
    // first has ended. Then the counter, whose condition and whose change are one statement.
    this.addSql(`
      create function consume_feature(
        organization uuid, feature text, environment text, idempotency text, units bigint, allowance bigint)
      returns table (outcome text, used bigint, allowed bigint, resets_at timestamptz)
      language plpgsql as $$
      #variable_conflict use_column
      declare
        at constant timestamptz := clock_timestamp();
        meter jsonb;
        period record;
        counted bigint;
        earlier feature_consumptions;
      begin
        select metering into meter from feature_definitions where key = feature and lifecycle in ('active', 'deprecated');
        if jsonb_typeof(meter) is distinct from 'object' then
          return query select case when found then 'not_metered' else 'unknown' end, 0::bigint, 0::bigint, null::timestamptz;
          return;
        end if;
        select * into period from feature_period(meter ->> 'period', at);
        loop
          begin
            insert into feature_consumptions
              (organization_id, feature_key, environment_key, idempotency_key, amount, used, allowed, resets_at, created_at, expires_at)
            values (organization, feature, environment, idempotency, units, 0, allowance, period.resets_at, at, at + interval '7 days')
            on conflict do nothing;
            if found then
              insert into feature_meters as m
                (organization_id, feature_key, environment_key, period_start, used, resets_at, updated_at)
              select organization, feature, environment, period.starts_at, units, period.resets_at, at
               where meter ->> 'enforcement' = 'soft' or units <= allowance
              on conflict (organization_id, feature_key, environment_key, period_start) do update
                -- Numbers of JSON are exact up to here.
                set used = least(m.used + units, 9007199254740991), resets_at = excluded.resets_at, updated_at = excluded.updated_at
                where meter ->> 'enforcement' = 'soft' or m.used + units <= allowance
              returning m.used into counted;
              if counted is null then
                raise exception 'the limit is reached' using errcode = 'TN001';
              end if;
              update feature_consumptions set used = counted
               where organization_id = organization and feature_key = feature and environment_key = environment
                 and idempotency_key = idempotency;
              return query select 'counted', counted, allowance, period.resets_at;
              return;
            end if;
          exception when sqlstate 'TN001' then
            -- The key went with what this block did: a refused call can be repeated.
            return query select 'limit_reached', coalesce((
              select m.used from feature_meters m
               where m.organization_id = organization and m.feature_key = feature and m.environment_key = environment
                 and m.period_start = period.starts_at), 0), allowance, period.resets_at;
            return;
          end;
          select * into earlier from feature_consumptions
           where organization_id = organization and feature_key = feature and environment_key = environment
             and idempotency_key = idempotency;
          if found then
            return query select case when earlier.amount = units then 'counted' else 'key_reused' end,
                                earlier.used, earlier.allowed, earlier.resets_at;
            return;
          end if;
          -- Removed in between, since it was older than a week.
        end loop;
      end
      $$`);
  }

  override down(): void {
    this.addSql(`drop function consume_feature(uuid, text, text, text, bigint, bigint)`);
    this.addSql(`drop function feature_period(text, timestamptz)`);
    this.addSql(`alter table feature_meters drop column resets_at`);
  }
}
