import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ormOptions } from '../config/mikro-orm.config.js';
import { entities } from '../src/entities.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { unprotectedTables } from './harness/unprotected-tables.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

describe('P12 entities and migrations', () => {
  async function updateSql(): Promise<string> {
    const orm = await MikroORM.init(ormOptions(db.ownerUrl, entities, 2));
    try {
      return await orm.schema.getUpdateSchemaSQL();
    } finally {
      await orm.close(true);
    }
  }

  it('say the same', async () => {
    expect(await updateSql()).toBe('');
  });

  it.each([
    ['alter table users drop column locale', 'locale'],
    ['alter table user_sessions add column colour text', 'colour'],
    ['drop policy own_select on users', 'own_select'],
    ['alter table users no force row level security', 'force row level security'],
    ['drop index user_sessions_user_id_index', 'user_sessions_user_id_index'],
  ])('differ after %s', async (statement, named) => {
    await db.sql.query(statement);
    try {
      expect(await updateSql()).toContain(named);
    } finally {
      await db.drop();
      db = await createDatabase();
    }
  });
});

describe('O8 every table that holds a tenant’s rows is closed', () => {
  it('case 5: none is without forced row level security and a policy', async () => {
    expect(await unprotectedTables(db.sql)).toEqual([]);
  });

  it.each([
    [
      'create table leak (id uuid, organization_id uuid)',
      ['row level security is off', 'row level security is not forced: the owner passes it', 'has no policy'],
    ],
    [
      'create table leak (id uuid, user_id uuid); alter table leak enable row level security',
      ['row level security is not forced: the owner passes it', 'has no policy'],
    ],
    [
      'create table leak (user_id uuid); alter table leak enable row level security, force row level security',
      ['has no policy'],
    ],
    [
      'create table leak (user_id uuid); create policy all_of_it on leak using (true)',
      ['row level security is off', 'row level security is not forced: the owner passes it'],
    ],
    [
      'create table leak (id uuid); grant select on leak to tenon_app',
      ['row level security is off', 'row level security is not forced: the owner passes it', 'has no policy'],
    ],
    [
      'create table leak (organization_id uuid) partition by range (organization_id)',
      ['row level security is off', 'row level security is not forced: the owner passes it', 'has no policy'],
    ],
    [
      'create materialized view leak as select user_id from user_sessions',
      ['row level security is off', 'row level security is not forced: the owner passes it', 'has no policy'],
    ],
  ])('case 5: %s is found', async (statement, problems) => {
    await db.sql.query(statement);
    try {
      expect(await unprotectedTables(db.sql)).toEqual([{ table: 'leak', problems }]);
    } finally {
      await db.sql.query(`drop ${statement.includes('materialized') ? 'materialized view' : 'table'} leak`);
    }
  });
});
