import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExamples, updateExamples } from '../src/features/definitions/definitions.examples.js';
import { newId } from '../src/kernel/ids.js';
import { servedAtOnce, countStatuses } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { insertOverride } from './harness/features.js';
import { insertOrganization } from './harness/organizations.js';

const FEATURES = '/api/v1/features';

let tenon: TestApp;
let api: FeatureAdmin;
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
  await api.post('/api/v1/plans', { key: 'team', name: 'Team', limits: {} }).expect(201);
});
afterAll(() => tenon.close());

const codes = ({ body }: { body: { errors?: { field: string; code: string }[] } }): string[] =>
  (body.errors ?? []).map(({ field, code }) => `${field} ${code}`);
const keysOf = ({ body }: { body: { data: { key: string }[] } }): string[] => body.data.map(({ key }) => key);

describe('F1 definitions', () => {
  it('need four fields; the rest is as it is where nobody says otherwise', async () => {
    const before = await api.revision();
    const { body, headers } = await api
      .post(FEATURES, { key: 'new-dashboard', name: ' New dashboard ', type: 'boolean', defaultValue: false })
      .expect(201);
    expect(body).toEqual({
      key: 'new-dashboard',
      name: 'New dashboard',
      description: null,
      type: 'boolean',
      category: null,
      defaultValue: false,
      schema: null,
      variants: null,
      metering: null,
      dependencies: [],
      conflicts: [],
      plans: {},
      lifecycle: 'active',
      owner: null,
      removeBy: null,
      tags: [],
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(headers.etag).toBe('"1"');
    const read = await api.get(`${FEATURES}/new-dashboard`, api.person.auth).expect(200);
    expect(read.body).toEqual(body);
    expect(read.headers.etag).toBe('"1"');
    expect(await api.revision()).toBe(before + 1);
    expect(await api.changesOf('feature.created', 'new-dashboard')).toEqual([
      { before: null, after: expect.objectContaining({ type: 'boolean', defaultValue: false, plans: {} }) },
    ]);
  });

  it('hold values of any type as they were given', async () => {
    const values: [string, unknown][] = [
      ...['', '123', 'true', 'null', '{"a":1}', '"', "'; drop table users; --", '\\', '? ?? :x $1', 'ä😀'].map(
        (text): [string, unknown] => ['string', text],
      ),
      ...[0, -1, 1.5, 1e308, 5e-324, 2 ** 53].map((number): [string, unknown] => ['number', number]),
      ...[[], {}, [null, { a: [1, 'x', false, null] }], 'text', 0, false].map((json): [string, unknown] => [
        'json',
        json,
      ]),
    ];
    for (const [index, [type, defaultValue]] of values.entries()) {
      const path = await api.feature(`value-${index}`, { type, defaultValue, plans: { team: defaultValue } });
      const { body } = await api.get(path).expect(200);
      expect(body, JSON.stringify(defaultValue)).toMatchObject({ defaultValue, plans: { team: defaultValue } });
      const variants = [{ key: 'a', value: defaultValue }];
      expect((await api.patch(path, { variants }).expect(200)).body).toMatchObject({ variants, version: 2 });
    }
  });

  it('are listed by page, filtered and sorted', async () => {
    const marked = { category: 'Listed things', tags: ['listed'] };
    await api.feature('list-b', { ...marked, type: 'string', defaultValue: 'x', name: 'Zebra 100%' });
    await api.feature('list-a', { ...marked, lifecycle: 'draft' });
    await api.feature('list-c', { ...marked, tags: ['listed', 'other'] });
    const list = async (query: string): Promise<string[]> =>
      keysOf(await api.get(`${FEATURES}?category=Listed+things&${query}`, api.person.auth).expect(200));
    expect(await list('')).toEqual(['list-a', 'list-b', 'list-c']);
    expect(await list('sort=-key')).toEqual(['list-c', 'list-b', 'list-a']);
    expect(await list('sort=createdAt')).toEqual(['list-b', 'list-a', 'list-c']);
    expect(await list('sort=-updatedAt')).toEqual(['list-c', 'list-a', 'list-b']);
    expect(await list('lifecycle=draft')).toEqual(['list-a']);
    expect(await list('type=string')).toEqual(['list-b']);
    expect(await list('tag=other')).toEqual(['list-c']);
    expect(await list('q=ZEBRA')).toEqual(['list-b']);
    expect(await list('q=100%25')).toEqual(['list-b']);
    expect(await list('q=T-A')).toEqual(['list-a']);
    expect(await list('q=_')).toEqual([]);
    expect(keysOf(await api.get(`${FEATURES}?category=nothing`))).toEqual([]);
    const { body } = await api.get(`${FEATURES}?tag=listed&perPage=2&page=2`).expect(200);
    expect(body.data.map(({ key }: { key: string }) => key)).toEqual(['list-c']);
    expect(body.meta).toMatchObject({ total: 3, totalPages: 2, hasNext: false });
    for (const query of ['sort=name', 'sort=-version', 'lifecycle=gone', 'type=flag', 'tag=a%20b', 'page=0', 'x=1'])
      await api.get(`${FEATURES}?${query}`).expect(400);
  });

  it('change in what is named: what is left out stays, null clears, lists are replaced', async () => {
    const path = await api.feature('changing', {
      description: 'Old',
      owner: 'me',
      tags: ['a', 'b'],
      plans: { team: false },
    });
    const { body, headers } = await api
      .patch(path, { description: null, tags: ['c'], defaultValue: false })
      .expect(200);
    expect(body).toMatchObject({ description: null, owner: 'me', tags: ['c'], plans: { team: false }, version: 2 });
    expect(headers.etag).toBe('"2"');
    expect(await api.changesOf('feature.updated', 'changing')).toEqual([
      {
        before: { description: 'Old', tags: ['a', 'b'], defaultValue: true },
        after: { description: null, tags: ['c'], defaultValue: false },
      },
    ]);
    expect((await api.patch(path, { plans: { standard: true } }).expect(200)).body.plans).toEqual({ standard: true });
    expect((await api.patch(path, { plans: {} }).expect(200)).body.plans).toEqual({});
  });

  it('that are as asked already keep their version, and nothing is told', async () => {
    const path = await api.feature('settled', { type: 'json', defaultValue: { a: 1, b: [2] }, tags: ['x'] });
    const before = await api.revision();
    for (const body of [
      {},
      { name: 'Feature settled', description: null },
      { defaultValue: { b: [2], a: 1 }, tags: ['x'] },
    ])
      expect((await api.patch(path, body).expect(200)).body.version).toBe(1);
    expect(await api.changesOf('feature.updated', 'settled')).toEqual([]);
    expect(await api.revision()).toBe(before);
  });

  it('have a key each, also when 50 are made at once', async () => {
    const body = { key: 'same', name: 'Same', type: 'boolean', defaultValue: true };
    const answers = await servedAtOnce(50, () => api.post(FEATURES, body));
    expect(countStatuses(answers)).toEqual({ 201: 1, 409: 49 });
    expect(answers.find(({ status }) => status === 409)!.body).toMatchObject({ code: 'conflict' });
    expect(await api.changesOf('feature.created', 'same')).toHaveLength(1);
  });

  it('of 50 changes of one version at once one is made', async () => {
    const path = await api.feature('contested');
    const answers = await servedAtOnce(50, (n) => api.patch(path, { description: `${n}` }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    await api.remove(path).set('if-match', '"1"').expect(412);
    await api.remove(path).set('if-match', '"2"').expect(204);
    await api.get(path).expect(404);
  });

  it('are removed with what is left of them', async () => {
    const path = await api.feature('removed', { plans: { team: true }, tags: ['x'] });
    const { organizationId } = await insertOrganization(tenon.db);
    await insertOverride(tenon, organizationId, 'removed', true);
    await api.remove(path).expect(204);
    await api.get(path).expect(404);
    await api.remove(path).expect(404);
    await api.patch(path, { name: 'X' }).expect(404);
    expect(await api.changesOf('feature.deleted', 'removed')).toEqual([
      { before: expect.objectContaining({ plans: { team: true }, tags: ['x'], type: 'boolean' }), after: null },
    ]);
  });

  it('lose what a plan gives of them with the plan', async () => {
    await api.post('/api/v1/plans', { key: 'leaving', name: 'Leaving', limits: {} }).expect(201);
    const path = await api.feature('planned', { plans: { leaving: false, team: true } });
    const other = await api.feature('planned-not', { plans: { team: true } });
    const before = await api.revision();
    await api.remove('/api/v1/plans/leaving').expect(204);
    expect((await api.get(path)).body).toMatchObject({ plans: { team: true }, version: 2 });
    expect((await api.get(other)).body.version).toBe(1);
    expect(await api.revision()).toBe(before + 1);
    expect(await api.changesOf('feature.updated', 'planned')).toEqual([
      { before: { plans: { leaving: false, team: true } }, after: { plans: { team: true } } },
    ]);
  });

  it('P3: the examples of Swagger UI do what they say, one after the other', async () => {
    for (const { value } of Object.values(createExamples)) await api.post(FEATURES, value).expect(201);
    expect((await api.get(`${FEATURES}/report-exports`)).body).toMatchObject({
      dependencies: ['reports'],
      plans: { standard: true },
    });
    const path = await api.feature('example');
    for (const { value } of Object.values(updateExamples)) await api.patch(path, value).expect(200);
  });

  it('are for platform admins to change, and for everybody signed in to read', async () => {
    const path = await api.feature('guarded');
    const { auth } = api.person;
    const body = { key: 'mine', name: 'Mine', type: 'boolean', defaultValue: true };
    for (const ask of [
      api.post(FEATURES, body, auth),
      api.post(FEATURES, {}, auth),
      api.patch(path, { name: 'Mine' }, auth),
      api.remove(path, auth),
    ])
      expect((await ask.expect(403)).body.code).toBe('permission_denied');
    for (const ask of [tenon.http.get(FEATURES), tenon.http.get(path), tenon.http.post(FEATURES).send(body)])
      await ask.expect(401);
    await api.get(FEATURES, auth).expect(200);
  });

  it('case 6: when the trail cannot be written nothing is changed', async () => {
    const path = await api.feature('trailed', { conflicts: [] });
    await api.feature('trailed-other');
    await api.rows(`alter table audit_log add constraint broken check (action not like 'feature.%') not valid`);
    const before = await api.revision();
    try {
      await api.post(FEATURES, { key: 'unseen', name: 'X', type: 'boolean', defaultValue: true }).expect(500);
      await api.patch(path, { name: 'Unseen', conflicts: ['trailed-other'] }).expect(500);
      await api.remove(path).expect(500);
    } finally {
      await api.rows('alter table audit_log drop constraint broken');
    }
    await api.get(`${FEATURES}/unseen`).expect(404);
    expect((await api.get(path)).body).toMatchObject({ name: 'Feature trailed', conflicts: [], version: 1 });
    expect((await api.get(`${FEATURES}/trailed-other`)).body.version).toBe(1);
    expect(await api.revision()).toBe(before);
  });
});

describe('F1 case 34, case 7, case 27: what a definition cannot be', () => {
  const right = { key: 'refused', name: 'Refused', type: 'boolean', defaultValue: true };
  const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

  it.each<[string, object]>([
    ['nothing', {}],
    ...['key', 'name', 'type', 'defaultValue'].map((field): [string, object] => [
      `without ${field}`,
      { ...right, [field]: undefined },
    ]),
    ...['A', '-a', '.a', 'a b', 'a/b', 'ä', '', 'x'.repeat(101), ['a'], {}, 1, null].map((key): [string, object] => [
      `key ${JSON.stringify(key)}`.slice(0, 40),
      { ...right, key },
    ]),
    ...['changes', 'import', 'export', 'evaluate'].map((key): [string, object] => [
      `reserved ${key}`,
      { ...right, key },
    ]),
    ...['flag', 'Boolean', ['boolean'], null, 1].map((type): [string, object] => [
      `type ${JSON.stringify(type)}`,
      { ...right, type },
    ]),
    ['null as value', { ...right, defaultValue: null }],
    ['a value of another type', { ...right, defaultValue: 'true' }],
    ['a number for a text', { ...right, type: 'string', defaultValue: 1 }],
    ['a text for a number', { ...right, type: 'number', defaultValue: '1' }],
    ['9 levels', { ...right, type: 'json', defaultValue: nested(9) }],
    ['65 KiB', { ...right, type: 'string', defaultValue: 'x'.repeat(65 * 1024) }],
    ['a plan value of another type', { ...right, plans: { team: 1 } }],
    ['null as plan value', { ...right, plans: { team: null } }],
    ['plans as a list', { ...right, plans: ['team'] }],
    ['plans as null', { ...right, plans: null }],
    ['a variant of another type', { ...right, variants: [{ key: 'a', value: 1 }] }],
    ['a variant without a value', { ...right, variants: [{ key: 'a' }] }],
    ['a variant with more', { ...right, variants: [{ key: 'a', value: true, more: 1 }] }],
    ['variants as an object', { ...right, variants: { a: true } }],
    [
      'two variants of one key',
      {
        ...right,
        variants: [
          { key: 'a', value: true },
          { key: 'a', value: false },
        ],
      },
    ],
    ...[
      [50, 49],
      [50, undefined],
      [0, 0],
      [100, 100],
      [-1, 101],
      [50.0001, 49.9999],
    ].map(([one, other]): [string, object] => [
      `weights ${one} and ${other}`,
      {
        ...right,
        variants: [
          { key: 'a', value: true, weight: one },
          { key: 'b', value: false, weight: other },
        ],
      },
    ]),
    ['101 variants', { ...right, variants: Array.from({ length: 101 }, (_, n) => ({ key: `v${n}`, value: true })) }],
    ['a metered boolean', { ...right, metering: { period: 'month', enforcement: 'hard' } }],
    [
      'a metering of a day of the week',
      { ...right, type: 'number', defaultValue: 1, metering: { period: 'monday', enforcement: 'hard' } },
    ],
    ['a metering by half', { ...right, type: 'number', defaultValue: 1, metering: { period: 'month' } }],
    ['a schema of a boolean', { ...right, schema: { type: 'boolean' } }],
    ['a lifecycle of its own', { ...right, lifecycle: 'gone' }],
    ...[['a b'], ['a', 'a'], 'a', [1], ['x'.repeat(51)], null].map((tags): [string, object] => [
      `tags ${JSON.stringify(tags)}`.slice(0, 40),
      { ...right, tags },
    ]),
    ...[[['a']], 'a', [1], ['A'], null, ['a', 'a'], {}].map((list): [string, object] => [
      `dependencies ${JSON.stringify(list)}`,
      { ...right, dependencies: list },
    ]),
    ['its own version', { ...right, version: 7 }],
    ['an organization', { ...right, organizationId: newId() }],
    ['more of everything', { ...right, createdAt: '2026-01-01T00:00:00Z' }],
  ])('%s', async (_, body) => {
    expect((await api.post(FEATURES, body).expect(400)).body.code).toBe('validation_failed');
    await api.get(`${FEATURES}/refused`).expect(404);
  });

  it('a number beyond all numbers, and a prototype', async () => {
    for (const value of ['1e400', '{"__proto__":{"a":1}}', '{"a":-1e999}'])
      await tenon.http
        .post(FEATURES)
        .set(api.admin)
        .set('content-type', 'application/json')
        .send(`{"key":"refused","name":"x","type":"json","defaultValue":${value}}`)
        .expect(400);
  });

  it('the field and the reason are named', async () => {
    const { body } = await api.post(FEATURES, {
      ...right,
      dependencies: ['nothing-1'],
      conflicts: ['nothing-2', 'refused'],
      plans: { nothing: true, team: false },
    });
    expect(body.code).toBe('validation_failed');
    expect(codes({ body })).toEqual([
      'dependencies feature_unknown',
      'conflicts feature_unknown',
      'plans.nothing plan_unknown',
      'conflicts feature_itself',
    ]);
    const path = await api.feature('typed');
    for (const change of [
      { type: 'string' },
      { key: 'other' },
      { name: null },
      { defaultValue: null },
      { plans: { team: 'x' } },
    ])
      expect((await api.patch(path, change).expect(400)).body.code, JSON.stringify(change)).toBe('validation_failed');
    expect((await api.get(path)).body.version).toBe(1);
  });
});

describe('F1 values of type json fit their schema', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    required: ['max'],
    properties: { max: { type: 'integer', minimum: 1 }, slug: { type: 'string', pattern: '^[a-z]+(-[a-z]+)*$' } },
  };
  const right = { name: 'Rules', type: 'json', schema, defaultValue: { max: 1 } };

  it('the default, those of plans and of variants', async () => {
    const { body } = await api
      .post(FEATURES, {
        ...right,
        key: 'misfit',
        defaultValue: { max: 0 },
        plans: { team: { max: 1.5 } },
        variants: [
          { key: 'a', value: { max: 1, other: 2 } },
          { key: 'b', value: { max: 2, slug: 'a--b' } },
        ],
      })
      .expect(400);
    expect(codes({ body })).toEqual([
      'defaultValue.max value_schema_mismatch',
      'variants.0.value.other value_schema_mismatch',
      'variants.1.value.slug value_schema_mismatch',
      'plans.team.max value_schema_mismatch',
    ]);
    await api.post(FEATURES, { ...right, key: 'fit', plans: { team: { max: 5, slug: 'a-b' } } }).expect(201);
  });

  it('are draft-07 where it says so, else 2020-12', async () => {
    const tuple = { prefixItems: [{ type: 'number' }], items: false };
    await api.feature('draft-2020', { type: 'json', defaultValue: [1], schema: tuple });
    await api.feature('draft-7', {
      type: 'json',
      defaultValue: [1],
      schema: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        items: [{ type: 'number' }],
        additionalItems: false,
      },
    });
    await api.feature('local', {
      type: 'json',
      defaultValue: { a: { a: {} } },
      schema: {
        $defs: { node: { type: 'object', additionalProperties: { $ref: '#/$defs/node' } } },
        $ref: '#/$defs/node',
      },
    });
  });

  it.each<[string, object | boolean, string]>([
    ['a type of its own', { type: 'thing' }, 'schema.type'],
    ['a fault within', { properties: { a: { minimum: 'x' } } }, 'schema.properties.a.minimum'],
    ['a keyword of nobody', { minimun: 1 }, 'schema'],
    ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, 'schema.$schema'],
    ['a reference that leads away', { $ref: 'https://example.com/schema.json' }, 'schema.$ref'],
    ['one to a file', { properties: { a: { $ref: 'file:///etc/passwd' } } }, 'schema.properties.a.$ref'],
    ['one to nothing', { $ref: '#/$defs/nothing' }, 'schema'],
    ['answers that come later', { $async: true }, 'schema.$async'],
    ['a pattern that is none', { pattern: '(' }, 'schema'],
    ['64 KiB and more', { description: 'x'.repeat(65 * 1024) }, 'schema'],
  ])('%s is no schema', async (_, wrong, field) => {
    const { body } = await api
      .post(FEATURES, { ...right, key: 'refused', schema: wrong, defaultValue: {} })
      .expect(400);
    expect(codes({ body })).toEqual([`${field} schema_invalid`]);
  });

  it.each<[string, object]>([
    ['to all of it', { $ref: '#' }],
    ['in a circle', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { allOf: [{ $ref: '#/$defs/a' }] } } }],
    ['for objects alone', { type: 'object', $ref: '#' }],
    ['where nothing else fits', { anyOf: [{ type: 'object' }, { $ref: '#' }] }],
  ])('case 7: a reference that never ends is no schema: %s', async (_, schema) => {
    const { body } = await api.post(FEATURES, { ...right, key: 'refused', schema, defaultValue: {} }).expect(400);
    expect(body.errors).toEqual([
      {
        field: 'schema',
        code: 'schema_invalid',
        message: 'schema refers to itself without end: a $ref has to lead deeper into the value',
      },
    ]);
  });

  it('case 7: a reference that ends for some values and not for others is refused with the value', async () => {
    const schema = { dependentSchemas: { a: { $ref: '#' } } };
    const { body } = await api.post(FEATURES, { ...right, key: 'refused', schema, defaultValue: { a: 1 } }).expect(400);
    expect(codes({ body })).toEqual(['defaultValue value_schema_mismatch']);
    expect(body.errors[0].message).toMatch(/it refers to itself without end/);
  });

  it.each(['schema', 'true', 'list'])('%s is none either', async (kind) => {
    const wrong = { schema: 'x', true: true, list: [] }[kind];
    await api.post(FEATURES, { ...right, key: 'refused', schema: wrong }).expect(400);
  });

  it('case 7: a pattern or a comparison that would not end is ended', async () => {
    const before = performance.now();
    const { body } = await api
      .post(FEATURES, {
        ...right,
        key: 'endless',
        schema: { type: 'string', pattern: '^(a+)+$' },
        defaultValue: `${'a'.repeat(60)}!`,
      })
      .expect(400);
    expect(codes({ body })).toEqual(['defaultValue value_schema_mismatch']);
    expect(body.errors[0].message).toMatch(/longer than/);
    expect(performance.now() - before).toBeLessThan(20_000);
    await api.get(FEATURES).expect(200);
  });

  it('a change that what is stored does not fit is refused, and says what', async () => {
    const path = await api.feature('stored', { ...right, plans: { team: { max: 3 } } });
    const { organizationId } = await insertOrganization(tenon.db);
    await insertOverride(tenon, organizationId, 'stored', { max: 9 });
    await api.rows(
      `insert into feature_configurations (feature_key, environment_key, rules, updated_at)
       values ('stored', 'staging', $1, now())`,
      JSON.stringify([{ name: 'Some', when: [], value: { max: 7 } }]),
    );
    const atMost = (maximum: number): object => ({ schema: { properties: { max: { maximum } } } });
    const refusal = async (change: object, status: number): Promise<string> => {
      const { body } = await api.patch(path, change).expect(status);
      expect(body.code).toBe(status === 409 ? 'conflict' : 'validation_failed');
      return body.detail;
    };
    expect(await refusal(atMost(2), 409)).toMatch(/^plans\.team\.max must be <= 2/);
    expect(await refusal({ ...atMost(2), plans: { team: { max: 5 } } }, 400)).toBeTruthy();
    const detail = await refusal({ ...atMost(2), plans: {} }, 409);
    expect(detail).toContain(`the override of organization ${organizationId} does not fit: max must be <= 2`);
    expect(detail).toContain('rules.0.value.max in staging: rules.0.value.max must be <= 2');
    expect((await api.get(path)).body.version).toBe(1);
    await api.patch(path, atMost(9)).expect(200);
    await api.patch(path, { schema: null }).expect(200);
  });

  it('a variant that a rule gives cannot be taken away, nor all of a roll-out', async () => {
    const variants = [
      { key: 'a', value: 'A' },
      { key: 'b', value: 'B' },
    ];
    const path = await api.feature('given', { type: 'string', defaultValue: 'x', variants });
    await api.rows(
      `insert into feature_configurations (feature_key, environment_key, rules, rollout, updated_at)
       values ('given', 'production', $1, $2, now())`,
      JSON.stringify([{ name: 'Some', when: [], variant: 'b' }]),
      JSON.stringify({ by: 'targetingKey', percentage: 5 }),
    );
    for (const change of [{ variants: [variants[0]] }, { variants: null }, { variants: [] }])
      expect((await api.patch(path, change).expect(409)).body).toMatchObject({
        code: 'conflict',
        detail: expect.stringContaining('rules.0.variant in production: The feature has no such variant'),
      });
    expect((await api.patch(path, { variants: null })).body.detail).toContain('rollout in production');
    await api.patch(path, { variants: [variants[1]] }).expect(200);
  });
});

describe('F2 dependencies', () => {
  it('are all that it names, sorted, and show in the trail', async () => {
    await api.feature('dep-b');
    await api.feature('dep-a');
    const path = await api.feature('dep-top', { dependencies: ['dep-b', 'dep-a'] });
    expect((await api.get(path)).body.dependencies).toEqual(['dep-a', 'dep-b']);
    expect((await api.patch(path, { dependencies: ['dep-b'] }).expect(200)).body.dependencies).toEqual(['dep-b']);
    expect(await api.changesOf('feature.updated', 'dep-top')).toEqual([
      { before: { dependencies: ['dep-a', 'dep-b'] }, after: { dependencies: ['dep-b'] } },
    ]);
  });

  it('case 32: a cycle of any length is refused, with its path', async () => {
    await api.feature('ring-0');
    for (let n = 1; n < 30; n += 1) await api.feature(`ring-${n}`, { dependencies: [`ring-${n - 1}`] });
    const close = (at: number) => api.patch(`${FEATURES}/ring-0`, { dependencies: [`ring-${at}`] });
    const { body } = await close(2).expect(409);
    expect(body).toMatchObject({
      code: 'feature_dependency_cycle',
      detail: 'ring-0 → ring-2 → ring-1 → ring-0',
    });
    expect((await close(29).expect(409)).body.detail).toMatch(/^ring-0 → ring-29 → .* → … → ring-1 → ring-0$/);
    expect((await close(0).expect(409)).body.detail).toBe('ring-0 → ring-0');
    const own = { key: 'ring-own', name: 'x', type: 'boolean', defaultValue: true, dependencies: ['ring-own'] };
    expect((await api.post(FEATURES, own).expect(409)).body.code).toBe('feature_dependency_cycle');
    expect((await api.get(`${FEATURES}/ring-0`)).body).toMatchObject({ dependencies: [], version: 1 });
  });

  it('case 32: of two requests that make a cycle together one is refused', async () => {
    for (let n = 0; n < 25; n += 1) for (const side of ['l', 'r']) await api.feature(`pair-${n}-${side}`);
    const answers = await servedAtOnce(50, (at) => {
      const [n, side, other] = [Math.floor(at / 2), at % 2 ? 'l' : 'r', at % 2 ? 'r' : 'l'];
      return api.patch(`${FEATURES}/pair-${n}-${side}`, { dependencies: [`pair-${n}-${other}`] });
    });
    expect(countStatuses(answers)).toEqual({ 200: 25, 409: 25 });
    expect(await api.rows(`select from feature_dependencies where feature_key like 'pair-%'`)).toHaveLength(25);
  });

  it('case 32: of 50 requests that make one cycle together one is refused', async () => {
    for (let n = 0; n < 50; n += 1) await api.feature(`circle-${n}`);
    const answers = await servedAtOnce(50, (n) =>
      api.patch(`${FEATURES}/circle-${n}`, { dependencies: [`circle-${(n + 1) % 50}`] }),
    );
    expect(countStatuses(answers)).toEqual({ 200: 49, 409: 1 });
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('feature_dependency_cycle');
  });

  it('what others need is not removed, and archived only when they are', async () => {
    const needed = await api.feature('needed');
    const needing = await api.feature('needing', { dependencies: ['needed'] });
    for (const ask of [api.remove(needed), api.patch(needed, { lifecycle: 'archived' })])
      expect((await ask.expect(409)).body).toMatchObject({
        code: 'feature_in_use',
        detail: 'needed is needed by needing',
      });
    await api.patch(needed, { lifecycle: 'deprecated' }).expect(200);
    await api.patch(needing, { lifecycle: 'archived' }).expect(200);
    await api.patch(needed, { lifecycle: 'archived' }).expect(200);
    await api.remove(needed).expect(409);
    for (const ask of [
      api.patch(needing, { lifecycle: 'active' }),
      api.post(FEATURES, { key: 'late', name: 'x', type: 'boolean', defaultValue: true, dependencies: ['needed'] }),
    ])
      expect((await ask.expect(409)).body).toMatchObject({
        code: 'feature_dependency_unmet',
        detail: expect.stringMatching(/needs what is archived: needed$/),
      });
    await api.patch(needing, { dependencies: [] }).expect(200);
    await api.remove(needed).expect(204);
  });
});

describe('F3 conflicts', () => {
  it('stand in both, whichever names the other, and both change', async () => {
    // Texts that a collation orders in another way than their bytes.
    const [one, other] = [await api.feature('con.z'), await api.feature('con-a')];
    expect((await api.patch(one, { conflicts: ['con-a'] }).expect(200)).body).toMatchObject({
      conflicts: ['con-a'],
      version: 2,
    });
    expect((await api.get(other)).body).toMatchObject({ conflicts: ['con.z'], version: 2 });
    expect(await api.changesOf('feature.updated', 'con-a')).toEqual([
      { before: { conflicts: [] }, after: { conflicts: ['con.z'] } },
    ]);
    expect((await api.patch(other, { conflicts: [] }).expect(200)).body).toMatchObject({ conflicts: [], version: 3 });
    expect((await api.get(one)).body).toMatchObject({ conflicts: [], version: 3 });
    const third = await api.feature('con-third', { conflicts: ['con.z', 'con-a'] });
    expect((await api.get(one)).body).toMatchObject({ conflicts: ['con-third'], version: 4 });
    await api.patch(one, { description: 'x' }).set('if-match', '"3"').expect(412);
    await api.remove(third).expect(204);
    expect((await api.get(one)).body).toMatchObject({ conflicts: [], version: 5 });
    expect((await api.changesOf('feature.updated', 'con.z')).at(-1)).toEqual({
      before: { conflicts: ['con-third'] },
      after: { conflicts: [] },
    });
  });

  it('are refused where one needs both, with both keys', async () => {
    for (const key of ['base-1', 'base-2', 'free']) await api.feature(key);
    await api.feature('middle', { dependencies: ['base-1'] });
    const top = await api.feature('top', { dependencies: ['middle', 'base-2'] });
    const refused = async (path: string, change: object): Promise<string> => {
      const { body } = await api.patch(path, change).expect(409);
      expect(body.code).toBe('feature_conflict');
      return body.detail;
    };
    expect(await refused(top, { conflicts: ['base-1'] })).toBe('top conflicts with base-1, which it needs');
    expect(await refused(`${FEATURES}/base-1`, { conflicts: ['top'] })).toBe(
      'top conflicts with base-1, which it needs',
    );
    expect(await refused(`${FEATURES}/base-1`, { conflicts: ['base-2'] })).toBe(
      'base-1 and base-2 conflict, and top needs both',
    );
    await api.patch(`${FEATURES}/free`, { conflicts: ['base-2'] }).expect(200);
    // Two steps above what it changes.
    expect(await refused(`${FEATURES}/base-1`, { dependencies: ['free'] })).toBe(
      'base-2 and free conflict, and top needs both',
    );
    expect((await api.get(`${FEATURES}/base-1`)).body.version).toBe(1);
    const own = { key: 'torn', name: 'x', type: 'boolean', defaultValue: true, dependencies: ['free', 'base-2'] };
    expect((await api.post(FEATURES, own).expect(409)).body.detail).toBe(
      'base-2 and free conflict, and torn needs both',
    );
  });

  it('of two requests that together need both sides one is refused', async () => {
    for (let n = 0; n < 25; n += 1)
      for (const part of ['a', 'b', 'c'])
        await api.feature(`tear-${n}-${part}`, part === 'c' ? { dependencies: [`tear-${n}-a`] } : {});
    const answers = await servedAtOnce(50, (at) => {
      const n = Math.floor(at / 2);
      return at % 2
        ? api.patch(`${FEATURES}/tear-${n}-a`, { conflicts: [`tear-${n}-b`] })
        : api.patch(`${FEATURES}/tear-${n}-c`, { dependencies: [`tear-${n}-a`, `tear-${n}-b`] });
    });
    expect(countStatuses(answers)).toEqual({ 200: 25, 409: 25 });
  });
});
