import { insertPerson, openSession } from './accounts.js';
import type { TestApp } from './app.js';
import { insertStranger, type Member } from './organizations.js';

export type Auth = { authorization: string };

/** Calls of the admin's side of features, as a platform admin unless said. */
export interface FeatureAdmin {
  admin: Auth;
  /** Somebody signed in who is no platform admin. */
  person: Member;
  get(path: string, auth?: Auth): ReturnType<TestApp['http']['get']>;
  post(path: string, body: object, auth?: Auth): ReturnType<TestApp['http']['get']>;
  patch(path: string, body: object, auth?: Auth): ReturnType<TestApp['http']['get']>;
  put(path: string, body: object, auth?: Auth): ReturnType<TestApp['http']['get']>;
  remove(path: string, auth?: Auth): ReturnType<TestApp['http']['get']>;
  /** Makes a feature, boolean and true by default, and gives its address. */
  feature(key: string, more?: object): Promise<string>;
  /** Number of the last change of features. */
  revision(): Promise<number>;
  /** Before and after of the entries about a target. */
  changesOf(action: string, target: string): Promise<{ before: unknown; after: unknown }[]>;
  rows<T = Record<string, unknown>>(text: string, ...values: unknown[]): Promise<T[]>;
}

const FEATURES = '/api/v1/features';

/** Signs in a platform admin and somebody else. */
export async function featureAdmin(tenon: TestApp): Promise<FeatureAdmin> {
  const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
  const { auth: admin } = await openSession(tenon, userId);
  const person = await insertStranger(tenon);
  const rows = async <T>(text: string, ...values: unknown[]): Promise<T[]> =>
    (await tenon.db.sql.query(text, values)).rows as T[];
  const post: FeatureAdmin['post'] = (path, body, auth = admin) => tenon.http.post(path).set(auth).send(body);
  return {
    admin,
    person,
    rows,
    post,
    get: (path, auth = admin) => tenon.http.get(path).set(auth),
    patch: (path, body, auth = admin) => tenon.http.patch(path).set(auth).send(body),
    put: (path, body, auth = admin) => tenon.http.put(path).set(auth).send(body),
    remove: (path, auth = admin) => tenon.http.delete(path).set(auth),
    feature: async (key, more = {}) => {
      await post(FEATURES, { key, name: `Feature ${key}`, type: 'boolean', defaultValue: true, ...more }).expect(201);
      return `${FEATURES}/${key}`;
    },
    revision: async () =>
      Number((await rows<{ revision: string }>('select revision from feature_revision'))[0]!.revision),
    changesOf: (action, target) =>
      rows('select before, after from audit_log where action = $1 and target_id = $2 order by id', action, target),
  };
}
