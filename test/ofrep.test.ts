import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './harness/app.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { insertFeatures } from './harness/features.js';
import { insertOrganization } from './harness/organizations.js';

const FLAGS = '/ofrep/v1/evaluate/flags';

let tenon: TestApp;
let auth: { authorization: string };

beforeAll(async () => {
  tenon = await startApp();
  const { organizationId } = await insertOrganization(tenon.db);
  const owner = await insertServiceAccount(tenon.db, organizationId);
  ({ auth } = await insertApiKey(tenon.db, organizationId, owner));
});
afterAll(() => tenon.close());

describe('F8 one flag', () => {
  it('says value, reason and why', async () => {
    const [key] = await insertFeatures(tenon, { defaultValue: true });
    const { body } = await tenon.http.post(`${FLAGS}/${key}`).set(auth).send({ context: {} }).expect(200);
    expect(body).toEqual({ key, value: true, reason: 'STATIC', metadata: { reason: 'default' } });
  });
});
