import { expect } from 'vitest';
import { insertPerson, openSession } from './accounts.js';
import type { TestApp } from './app.js';
import type { Auth } from './feature-admin.js';
import { insertOrganization, type Member } from './organizations.js';
import { randomBytes } from 'node:crypto';

export const PURGE = '/api/v1/admin/purge';

export interface PlannedTable {
  table: string;
  remove: number;
  keep: number;
  reason: string;
}
export interface Plan {
  planId: string;
  phrase: string;
  expiresAt: string;
  goes: ShownRows[];
  tables: PlannedTable[];
}
export interface ShownRows {
  table: string;
  total: number;
  sample: { id: string; name: string; address: string; why: string }[];
}
export interface Report {
  status: string;
  passed: boolean | null;
  goes: ShownRows[];
  progress: { done: number; total: number };
  tables: (PlannedTable & { outcome: string | null; purged: number; detail: string | null })[];
  verification: { name: string; passed: boolean; detail: string }[];
}

/** Calls of the purge, as a platform admin. */
export function purging(tenon: TestApp, admin: Auth) {
  const plan = async (scope: string): Promise<Plan> =>
    (await tenon.http.post(`${PURGE}/plan`).set(admin).send({ scope }).expect(200)).body as Plan;
  const execute = ({ planId, phrase }: Pick<Plan, 'planId' | 'phrase'>, confirmation = phrase) =>
    tenon.http.post(PURGE).set(admin).send({ planId, confirmation });
  const report = async (planId: string): Promise<Report> =>
    (await tenon.http.get(`${PURGE}/${planId}`).set(admin).expect(200)).body as Report;
  const ended = async (planId: string): Promise<Report> => {
    await expect.poll(async () => (await report(planId)).status, { timeout: 60_000, interval: 100 }).toBe('completed');
    return report(planId);
  };
  return {
    plan,
    execute,
    report,
    ended,
    /** All of it. */
    purge: async (scope: string): Promise<Report> => {
      const planned = await plan(scope);
      await execute(planned).expect(202);
      return ended(planned.planId);
    },
  };
}

/** What is said of one table. */
export function of<T extends { table: string }>({ tables }: { tables: T[] }, table: string): T {
  return tables.find((one) => one.table === table)!;
}

/** An address that is no test account's. */
export function realEmail(name = 'ada'): string {
  return `${name}.${randomBytes(4).toString('hex')}@analytical-engines.io`;
}

/** An organization with these members, signed in, by role and address. */
export async function organizationOf(
  tenon: TestApp,
  ...members: [role: string, email: string][]
): Promise<{ organizationId: string; people: Member[] }> {
  const { organizationId } = await insertOrganization(tenon.db);
  const people: Member[] = [];
  for (const [role, email] of members) {
    const { userId } = await insertPerson(tenon.db, { email });
    await tenon.db.sql.query(
      'insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, $3, now())',
      [organizationId, userId, role],
    );
    people.push({ userId, email, fullName: 'Ada Lovelace', role, ...(await openSession(tenon, userId)) });
  }
  return { organizationId, people };
}
