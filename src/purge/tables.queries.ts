import type { EntityManager } from '@mikro-orm/postgresql';
import { SYSTEM_ROLE } from '../database/tenant-context.js';

/** A foreign key. */
export interface Reference {
  to: string;
  columns: string[];
  toColumns: string[];
  /** The row goes with the one that it refers to. */
  cascades: boolean;
}

/** A table as the database's catalogue has it. */
export interface Table {
  name: string;
  /** The primary key. */
  key: { name: string; type: string }[];
  references: Reference[];
  /** Whether the system role may delete rows; of the others they go with what they hang on. */
  deletable: boolean;
}

/**
 * Every table of the product but partitions, which are reached through the whole. What the system role may not read is
 * not ours: what our migrations make, it may.
 */
export async function readTables(em: EntityManager): Promise<Table[]> {
  return em.execute<Table[]>(
    `select c.relname as name,
            has_table_privilege(?, c.oid, 'delete') as deletable,
            coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by k.at)
                        from pg_constraint p, unnest(p.conkey) with ordinality as k(number, at)
                        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
                       where p.conrelid = c.oid and p.contype = 'p'), '[]') as key,
            coalesce((select json_agg(json_build_object('to', t.relname, 'cascades', f.confdeltype = 'c',
                               'columns', (select json_agg(a.attname order by k.at) from unnest(f.conkey) with ordinality as k(number, at)
                                             join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number),
                               'toColumns', (select json_agg(a.attname order by k.at) from unnest(f.confkey) with ordinality as k(number, at)
                                               join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number)) order by f.conname)
                        from pg_constraint f join pg_class t on t.oid = f.confrelid
                       where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0), '[]') as "references"
       from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and has_table_privilege(?, c.oid, 'select')
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
      order by c.relname`,
    [SYSTEM_ROLE, SYSTEM_ROLE],
  );
}
