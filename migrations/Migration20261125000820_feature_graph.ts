import { Migration } from '@mikro-orm/migrations';

const PATH = `set search_path = pg_catalog, public, pg_temp`;
/**
 * How a step along the graph is planned: by the index, from the few keys that are new. The planner takes a recursive step
 * for ten times its beginning, and would read the whole table at each of them: for a chain of 10,000 that is 10,000 times.
 */
const BY_INDEX = `${PATH} set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off`;
const FUNCTIONS = [
  'feature_needs(text[])',
  'feature_needed_by(text[])',
  'validate_feature_dependencies(text)',
  'validate_feature_conflicts(text)',
];

/**
 * The graph of features, asked in the transaction that changes it. Whatever the graph, each feature is met once: `union`
 * drops what was found before, so that cycles end and many ways to one feature are one.
 */
export class Migration20261125000820_feature_graph extends Migration {
  override up(): void {
    this.reach();
    this.dependencies();
    this.conflicts();
    // They read as whoever calls them.
    this.addSql(`revoke all on function ${FUNCTIONS.join(', ')} from public`);
    this.addSql(`grant execute on function ${FUNCTIONS.join(', ')} to tenon_app, tenon_system`);
  }

  /** Some features and all that they need, and some features and all that need them; the nearest first. */
  private reach(): void {
    this.addSql(`
      create function feature_needs(keys text[]) returns setof text language sql stable ${BY_INDEX} as $$
        with recursive needed (key) as (
          select unnest(keys)
          union
          select d.requires_key from needed n join feature_dependencies d on d.feature_key = n.key
        )
        select key from needed
      $$`);
    this.addSql(`
      create function feature_needed_by(keys text[]) returns setof text language sql stable ${BY_INDEX} as $$
        with recursive needing (key) as (
          select unnest(keys)
          union
          select d.feature_key from needing n join feature_dependencies d on d.requires_key = n.key
        )
        select key from needing
      $$`);
  }

  /** A shortest cycle that a feature is on, `{a,b,c,a}`; null when it is on none. */
  private dependencies(): void {
    this.addSql(`
      create function validate_feature_dependencies(of_feature text) returns text[] language plpgsql stable ${PATH} set jit = off as $$
      declare
        nodes text[];
        befores bigint[];
        place bigint;
        backwards text[] := array[of_feature];
      begin
        -- Nearly always the end: does nothing that it needs need it?
        if not exists (
          select from feature_needs(array[of_feature]) as n (key)
            join feature_dependencies d on d.feature_key = n.key and d.requires_key = of_feature
        ) then
          return null;
        end if;
        -- Numbered as they were found, each has among those that need it one of a lower number: the way back.
        with needed as materialized (
          select n.key, n.place from feature_needs(array[of_feature]) with ordinality as n (key, place)
        ), before as (
          select d.requires_key as key, min(n.place) as place
            from needed n join feature_dependencies d on d.feature_key = n.key
           group by d.requires_key
        )
        select array_agg(n.key order by n.place), array_agg(b.place order by n.place) into nodes, befores
          from needed n join before b on b.key = n.key;
        place := befores[1];
        while place > 1 loop
          backwards := array_append(backwards, nodes[place]);
          place := befores[place];
        end loop;
        backwards := array_append(backwards, of_feature);
        return (select array_agg(b.key order by b.place desc) from unnest(backwards) with ordinality as b (key, place));
      end $$`);
  }

  /**
   * Pairs in conflict that one feature needs both, where at least one of the two is the given feature or needed by it. A
   * feature counts as needing itself. Who needs both is above the one and above the other: so it is enough to look at what
   * all that need the given feature need together, once, instead of at each of them.
   */
  private conflicts(): void {
    this.addSql(`
      create function validate_feature_conflicts(of_feature text)
      returns table (feature_key text, conflicts_with_key text, needed_by text) language plpgsql stable ${PATH} set jit = off as $$
      #variable_conflict use_column
      begin
        return query
        with below as materialized (
          select b.key from feature_needs(array[of_feature]) as b (key)
        ), side as materialized (
          select c.feature_key as one, c.conflicts_with_key as other from below b join feature_conflicts c on c.feature_key = b.key
          union
          select c.conflicts_with_key, c.feature_key from below b join feature_conflicts c on c.conflicts_with_key = b.key
        ), above as materialized (
          select a.key, a.place from feature_needed_by(array[of_feature]) with ordinality as a (key, place)
           where exists (select from side)
        ), beside as materialized (
          select b.key from feature_needs(array(select a.key from above a)) as b (key) where exists (select from side)
        ), pair as (
          select distinct least(s.one, s.other) as one, greatest(s.one, s.other) as other
            from side s join beside b on b.key = s.other
           order by 1, 2 limit 20
        )
        select p.one, p.other, (
            select a.key from above a
             where a.key in (select feature_needed_by(array[p.one])) and a.key in (select feature_needed_by(array[p.other]))
             order by a.place limit 1)
          from pair p order by 1, 2;
      end $$`);
  }

  override down(): void {
    for (const name of FUNCTIONS.toReversed()) this.addSql(`drop function ${name}`);
  }
}
