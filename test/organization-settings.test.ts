import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';

let tenon: TestApp;
let owner: Member;
let organizationId: string;
let path: string;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());

/** Each group of tests has an organization of its own. */
async function freshOrganization(): Promise<void> {
  ({ organizationId, path } = await insertOrganization(tenon.db));
  path += '/settings';
  owner = await insertMember(tenon, organizationId, 'owner');
}

const get = ({ auth } = owner) => tenon.http.get(path).set(auth);
const patch = (body: unknown, { auth } = owner) =>
  tenon.http
    .patch(path)
    .set(auth)
    .set('content-type', 'application/json')
    .send(typeof body === 'string' ? body : JSON.stringify(body));
const stored = async (): Promise<object> => (await get().expect(200)).body.settings;
const faultsOf = async (body: unknown) => (await patch(body).expect(400)).body.errors;

describe('O1 settings', () => {
  beforeAll(freshOrganization);

  it('are empty at first, and have a version', async () => {
    const { body, headers } = await get().expect(200);
    expect(body).toEqual({ settings: {}, version: 1 });
    expect(headers.etag).toBe('"1"');
  });

  it('are merged by path: null removes, arrays are replaced, what is left out stays', async () => {
    await patch({
      locale: 'en-GB',
      timeZone: 'Europe/London',
      branding: { displayName: `Ada's "Engines" \\ ? $1 :x`, primaryColor: '#1F4fd8' },
      custom: { list: [1, { a: null }], deep: { keep: true, drop: 1 } },
    }).expect(200);
    const { body, headers } = await patch({
      timeZone: null,
      branding: { primaryColor: null, logoUrl: 'https://cdn.example.com/a.svg?x=1' },
      custom: { list: [2], deep: { drop: null, add: 'x' }, never: null },
    }).expect(200);
    expect(body).toEqual({
      settings: {
        locale: 'en-GB',
        branding: { displayName: `Ada's "Engines" \\ ? $1 :x`, logoUrl: 'https://cdn.example.com/a.svg?x=1' },
        custom: { list: [2], deep: { keep: true, add: 'x' } },
      },
      version: 3,
    });
    expect(headers.etag).toBe('"3"');
    expect((await get().expect(200)).body).toEqual(body);
  });

  it('leave in the trail what changed, each way', async () => {
    expect((await entriesOf(tenon.db, 'organization.settings_updated', owner.userId)).at(-1)).toMatchObject({
      organization_id: organizationId,
      target_type: 'organization',
      before: {
        timeZone: 'Europe/London',
        branding: { primaryColor: '#1F4fd8', logoUrl: null },
        custom: { list: [1, { a: null }], deep: { drop: 1, add: null } },
      },
      after: {
        timeZone: null,
        branding: { primaryColor: null, logoUrl: 'https://cdn.example.com/a.svg?x=1' },
        custom: { list: [2], deep: { drop: null, add: 'x' } },
      },
    });
  });

  it('a setting with a name that every object has comes and goes in the trail as others do', async () => {
    for (const custom of [
      { toString: 'a', valueOf: 'b' },
      { toString: null, valueOf: null },
    ])
      await patch({ custom }).expect(200);
    const [set, removed] = (await entriesOf(tenon.db, 'organization.settings_updated', owner.userId)).slice(-2);
    const [gone, there] = [
      { toString: null, valueOf: null },
      { toString: 'a', valueOf: 'b' },
    ];
    expect(set).toMatchObject({ before: { custom: gone }, after: { custom: there } });
    expect(removed).toMatchObject({ before: { custom: there }, after: { custom: gone } });
  });

  it('a patch that changes nothing makes no version', async () => {
    const { version } = (await get()).body;
    for (const body of [{}, { locale: 'en-GB' }, { timeZone: null }, { custom: { deep: {} } }])
      expect((await patch(body).expect(200)).body.version).toBe(version);
  });

  it('a whole group goes with null', async () => {
    await patch({ branding: null, custom: null, locale: null }).expect(200);
    expect(await stored()).toEqual({});
  });
});

describe('O1 P22 settings that several change', () => {
  beforeAll(freshOrganization);

  it('50 patches of different paths at once all survive', async () => {
    const answers = await atOnce(50, (n) => patch({ custom: { [`key${n}`]: n } }));
    expect(countStatuses(answers)).toEqual({ 200: 50 });
    const { body } = await get();
    expect(Object.keys(body.settings.custom)).toHaveLength(50);
    expect(body.version).toBe(51);
  });

  it('of 50 with one If-Match one wins; an older one is refused', async () => {
    const answers = await atOnce(50, (n) => patch({ custom: { winner: n } }).set('if-match', '"51"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    expect((await patch({ locale: 'de' }).set('if-match', '"51"').expect(412)).body.code).toBe('precondition_failed');
    await patch({ locale: 'de' }).set('if-match', '"52"').expect(200);
  });
});

describe('O1 settings that do not fit', () => {
  beforeAll(freshOrganization);
  const WRONG: [string, string, unknown][] = [
    ['locale', 'language_tag', { locale: 'not a locale' }],
    ['locale', 'type', { locale: 7 }],
    ['timeZone', 'time_zone', { timeZone: 'Mars/Olympus' }],
    ['timeZone', 'time_zone', { timeZone: '+01:00' }],
    ['dateFormat', 'enum', { dateFormat: 'YY' }],
    ['branding', 'type', { branding: [] }],
    ['branding', 'type', { branding: 'blue' }],
    ['branding.displayName', 'min_length', { branding: { displayName: '' } }],
    ['branding.displayName', 'max_length', { branding: { displayName: 'x'.repeat(121) } }],
    ['branding.displayName', 'pattern', { branding: { displayName: 'a\nb' } }],
    ['branding.displayName', 'pattern', { branding: { displayName: 'a\u202Eb' } }],
    ['branding.primaryColor', 'pattern', { branding: { primaryColor: 'red' } }],
    ['branding.primaryColor', 'pattern', { branding: { primaryColor: '#1f4fd8;x' } }],
    ...[
      'http://example.com/a.svg',
      'javascript:alert(1)',
      '//example.com/a.svg',
      'https://',
      'https://user:pass@example.com/',
      'https://example.com/a b',
      'https://example.com/\\@evil.example',
      'HTTPS:example.com',
      'data:image/svg+xml,x',
    ].map((logoUrl): [string, string, unknown] => ['branding.logoUrl', 'https_url', { branding: { logoUrl } }]),
    ['branding.font', 'unknown_property', { branding: { font: 'Comic' } }],
    ['contacts.support', 'email', { contacts: { support: 'nobody' } }],
    ['contacts.billing', 'email', { contacts: { billing: 'a@example.com, b@example.com' } }],
    ['contacts.security', 'type', { contacts: { security: ['a@example.com'] } }],
    ['custom', 'type', { custom: ['a'] }],
    ['custom', 'type', { custom: 'a' }],
    ['custom', 'too_deep', { custom: { a: [{ b: [{ c: [{ d: [{}] }] }] }] } }],
    ['custom', 'number_too_large', '{"custom":{"a":[1e400]}}'],
    ['settings', 'too_large', { custom: { a: 'x'.repeat(64 * 1024) } }],
    ['', 'is_object', []],
    ['', 'is_object', '"text"'],
    ['', 'is_object', '7'],
    ...['role', 'organizationId', 'status', 'plan', 'settings', 'version', 'toString'].map(
      (name): [string, string, unknown] => [name, 'unknown_property', { [name]: 'owner' }],
    ),
  ];

  it.each(WRONG)('%s: %s', async (field, code, body) => {
    expect(await faultsOf(body)).toMatchObject([
      { field, code, message: expect.stringContaining(field.split('.')[0]!) },
    ]);
  });

  it.each([
    ['__proto__', '{"__proto__":{"custom":{}}}'],
    ['__proto__ within', '{"custom":{"__proto__":{"admin":true}}}'],
    ['constructor', '{"custom":{"constructor":{"prototype":{"admin":true}}}}'],
    ['a key twice', '{"locale":"de","locale":"en"}'],
    ['33 levels', `${'{"custom":'.repeat(33)}1${'}'.repeat(33)}`],
    ['null', 'null'],
  ])('case 7: %s is malformed', async (_, body) => {
    expect((await patch(body).expect(400)).body.code).toBe('malformed_json');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('names several faults, but not thousands', async () => {
    expect(await faultsOf({ locale: 7, branding: { primaryColor: 'red' }, x: 1 })).toHaveLength(3);
    const many = (fields: number) => Object.fromEntries(Array.from({ length: fields }, (_, n) => [`x${n}`, 1]));
    expect(await faultsOf(many(500))).toHaveLength(20);
    expect(await faultsOf(many(3_000))).toMatchObject([{ code: 'too_many_fields' }]);
  });

  it('64 KiB are counted over what is there already, and 8 levels fit', async () => {
    const half = 'x'.repeat(33_000);
    await patch({ custom: { a: half } }).expect(200);
    expect(await faultsOf({ custom: { b: half } })).toMatchObject([{ code: 'too_large' }]);
    await patch({ custom: { a: null, b: half, deep: [[[[[[[]]]]]]] } }).expect(200);
  });

  it('nothing that was refused is there', async () => {
    const { body } = await get().expect(200);
    expect(body.version).toBe(3);
    expect(Object.keys(body.settings)).toEqual(['custom']);
  });
});

describe('O1 who may see and change settings', () => {
  beforeAll(freshOrganization);

  it('members see them, owners and admins change them, strangers find nothing', async () => {
    for (const role of ['admin', 'member', 'viewer'] as const) {
      const member = await insertMember(tenon, organizationId, role);
      await get(member).expect(200);
      await patch({ locale: 'de' }, member).expect(role === 'admin' ? 200 : 403);
    }
    const stranger = await insertStranger(tenon);
    await get(stranger).expect(404);
    await patch({ nonsense: true }, stranger).expect(404);
  });
});
