import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ormOptions } from '../config/mikro-orm.config.js';
import { entities } from '../src/entities.js';
import { createDatabase, type TestDatabase } from './harness/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

describe('P1 connections', () => {
  it.each([0, 1, 2, 5, 20])('closing %i steps into work ends, and so does the work', async (steps) => {
    const orm = await MikroORM.init(ormOptions(db.appUrl, entities, 2));
    // Two make connections, three wait for one.
    const work = Promise.allSettled(Array.from({ length: 5 }, () => orm.em.fork().execute('select 1 as one')));
    for (let step = 0; step < steps; step += 1) await new Promise((resolve) => setImmediate(resolve));
    await orm.close();
    expect(await work).toHaveLength(5);
  });
});
