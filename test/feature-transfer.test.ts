import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EvaluationService } from '../src/features/evaluation/evaluation.service.js';
import { importExamples } from '../src/features/transfer/transfer.examples.js';
import { Actor } from '../src/kernel/actor.js';
import { startApp, type TestApp } from './harness/app.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { insertOrganization } from './harness/organizations.js';
import { Chance, ENVIRONMENTS, PLANS, randomContext, randomInstallation } from './harness/random-installation.js';

const FEATURES = '/api/v1/features';
const EXPORT = `${FEATURES}/export`;
const IMPORT = `${FEATURES}/import`;
const SIZE = 40;

/** An installation, and an organization of each plan in it. */
interface Installation {
  tenon: TestApp;
  api: FeatureAdmin;
  organizations: Record<string, string>;
}

async function install(): Promise<Installation> {
  const tenon = await startApp();
  const api = await featureAdmin(tenon);
  const organizations: Record<string, string> = {};
  for (const plan of PLANS) {
    await tenon.db.sql.query(
      'insert into plans (key, name, created_at, updated_at) values ($1, $1, now(), now()) on conflict do nothing',
      [plan],
    );
    organizations[plan] = (await insertOrganization(tenon.db, { plan })).organizationId;
  }
  return { tenon, api, organizations };
}

let from: Installation;
let to: Installation;
beforeAll(async () => {
  [from, to] = [await install(), await install()];
});
afterAll(async () => {
  await from.tenon.close();
  await to.tenon.close();
});

const exported = async ({ api }: Installation, query = '') => (await api.get(`${EXPORT}${query}`).expect(200)).body;
const imported = async ({ api }: Installation, body: object, query = '') =>
  (await api.post(`${IMPORT}${query}`, body).expect(200)).body;
const timeless = (document: object): object => ({ ...document, exportedAt: '' });

function evaluate({ tenon, organizations }: Installation, plan: string, environment: string, context: object) {
  const origin = { ip: null, userAgent: null, requestId: null };
  const actor = Actor.user(origin, { userId: organizations[plan]!, sessionId: null });
  const asked = tenon.app
    .get(EvaluationService)
    .evaluate(actor.within(organizations[plan]!, 'owner', new Set()), { environment, context: { ...context } });
  return asked.then(({ features, unknownKeys }) => ({ features, unknownKeys }));
}

describe('F15 our own format', () => {
  it('an export of one installation imported into an empty one evaluates the same for 1,000 random contexts', async () => {
    const chance = new Chance(15);
    const { segments, features } = randomInstallation(chance, SIZE);
    const { api } = from;
    await api.post('/api/v1/environments', { key: 'preview-eu', name: 'Preview, Europe' }).expect(201);
    for (const segment of segments) await api.post('/api/v1/segments', segment).expect(201);
    for (const { definition, configurations } of features) {
      const { status, body } = await api.post(FEATURES, definition);
      if (status === 409) await api.post(FEATURES, { ...definition, conflicts: [], dependencies: [] }).expect(201);
      else expect(status, JSON.stringify(body)).toBe(201);
      await Promise.all(
        Object.entries(configurations).map(([environment, configuration]) =>
          api.put(`${FEATURES}/${definition.key}/environments/${environment}`, configuration).expect(200),
        ),
      );
    }
    const document = await exported(from);
    const body = { format: 'tenon', document };
    const dry = await imported(to, body, '?dryRun=true');
    expect((await exported(to)).features).toEqual([]);
    const run = await imported(to, body);
    expect(run).toEqual({ ...dry, dryRun: false });
    expect(run).toMatchObject({ changed: [], notCarriedOver: [], refused: [] });
    expect(timeless(await exported(to))).toEqual(timeless(document));

    const reasons = new Set<string>();
    for (let count = 0; count < 1_000; count += 1) {
      const [plan, environment, context] = [chance.one(PLANS), chance.one(ENVIRONMENTS), randomContext(chance)];
      const [was, is] = [
        await evaluate(from, plan, environment, context),
        await evaluate(to, plan, environment, context),
      ];
      expect(is).toEqual(was);
      for (const { reason } of was.features) reasons.add(reason);
    }
    expect([...reasons].toSorted()).toEqual([
      'conflict',
      'default',
      'dependency',
      'entitlement',
      'kill_switch',
      'rollout',
      'rule',
    ]);
  }, 300_000);

  it('once more changes nothing: neither versions nor the change log', async () => {
    const { api } = to;
    const state = () =>
      api.rows(`select (select json_agg(json_build_array(key, version) order by key) from feature_definitions) as features,
                       (select json_agg(json_build_array(feature_key, environment_key, version) order by 1, 2) from feature_configurations) as configurations,
                       (select json_agg(json_build_array(key, version) order by key) from feature_segments) as segments,
                       (select count(*) from feature_change_logs) as changes, (select revision from feature_revision) as revision,
                       (select count(*) from audit_log where action like 'feature.%') as entries`);
    const before = await state();
    const again = await imported(to, { format: 'tenon', document: await exported(from) });
    expect(again).toMatchObject({ created: [], changed: [], notCarriedOver: [], refused: [] });
    expect(again.unchanged).toBeGreaterThan(100);
    expect(await state()).toEqual(before);
  });
});

/** A document of features, with as little as there has to be. */
const own = (features: object[], more: object = {}) => ({
  format: 'tenon',
  document: { format: 'tenon', formatVersion: 1, features, ...more },
});
const entry = (key: string, definition: object = {}, configurations: object[] = []) => ({
  definition: { key, name: key, type: 'boolean', defaultValue: false, ...definition },
  configurations,
});
const refusals = (body: { errors: { field: string; code: string }[] }): string[] =>
  body.errors.map(({ field, code }) => `${field} ${code}`);

describe('F15 exports', () => {
  it('are a file, in an order in which each feature stands after what it needs', async () => {
    const { headers, body } = await from.api.get(EXPORT).expect(200);
    expect(headers['content-disposition']).toBe('attachment; filename="tenon-features.json"');
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({ format: 'tenon', formatVersion: 1, part: 1, parts: 1 });
    const seen = new Set<string>();
    for (const { definition } of body.features) {
      for (const other of definition.dependencies) expect(seen).toContain(other);
      seen.add(definition.key);
    }
    expect(seen.size).toBe(SIZE);
  });

  it('of a tag or a category hold what they need, too, and the segments that they name', async () => {
    const all = await exported(from);
    const some = await exported(from, '?category=billing&tag=beta');
    const keys = some.features.map(({ definition }: { definition: { key: string } }) => definition.key);
    expect(keys.length).toBeGreaterThan(1);
    expect(keys.length).toBeLessThan(SIZE);
    for (const { definition } of some.features)
      for (const other of definition.dependencies) expect(keys).toContain(other);
    const named = JSON.stringify(some.features);
    for (const { key } of all.segments)
      expect(some.segments.some((one: { key: string }) => one.key === key)).toBe(named.includes(`"${key}"`));
    await from.api.get(`${EXPORT}?part=2`).expect(400);
    await from.api.get(`${EXPORT}?tag=a%20b`).expect(400);
  });

  it('of more than a body may have come in parts, which make the whole', async () => {
    const { api } = to;
    const text = 'x'.repeat(60 * 1024);
    const big = Array.from({ length: 20 }, (_, at) =>
      entry(`big-${String(at).padStart(2, '0')}`, {
        type: 'string',
        category: 'big',
        defaultValue: text,
        dependencies: at > 0 ? ['big-00'] : [],
        conflicts: at === 19 ? ['big-01'] : [],
      }),
    );
    for (const features of [big.slice(0, 10), big.slice(10)]) await imported(to, own(features));
    const whole = await exported(to, '?category=big');
    const first = await exported(to, '?category=big&part=1');
    const parts = [first, await exported(to, '?category=big&part=2')];
    expect(first.parts).toBe(2);
    for (const part of parts) expect(JSON.stringify(part).length).toBeLessThan(900 * 1024);
    expect(parts.flatMap(({ features }) => features)).toEqual(whole.features);
    for (const { definition } of whole.features.toReversed())
      await api.remove(`${FEATURES}/${definition.key}`).expect(204);
    const [one, two] = [
      await imported(to, { format: 'tenon', document: parts[0] }),
      await imported(to, { format: 'tenon', document: parts[1] }),
    ];
    expect(one.notCarriedOver).toMatchObject([{ what: 'the conflict of big-01 with "big-19"' }]);
    expect(two.notCarriedOver).toEqual([]);
    expect((await exported(to, '?category=big')).features).toEqual(whole.features);
  }, 120_000);

  it('and imports are for platform admins alone', async () => {
    const { api } = from;
    await api.get(EXPORT, api.person.auth).expect(403);
    await api.post(IMPORT, own([]), api.person.auth).expect(403);
    await from.tenon.http.get(EXPORT).expect(401);
  });
});

describe('F15 imports', () => {
  it('make what is missing, change what is another, and leave what the document does not name', async () => {
    const { api } = to;
    await api.feature('kept', { plans: { pro: true } });
    await api.feature('becomes', { plans: { pro: true, tiny: false }, owner: 'team-a' });
    const rule = { name: 'Insiders', when: [], segments: ['insiders'], value: true };
    const document = own(
      [
        entry('comes', { dependencies: ['becomes'] }, [{ environment: 'abroad', enabled: true, rules: [rule] }]),
        entry('becomes', { defaultValue: true, name: 'Other', plans: { tiny: true, gold: false } }),
      ],
      {
        environments: [{ key: 'abroad', name: 'Abroad' }],
        plans: [{ key: 'tiny' }, { key: 'gold', name: 'Gold' }],
        segments: [{ key: 'insiders', when: [{ attribute: 'beta', operator: 'exists', values: [] }] }],
      },
    );
    const result = await imported(to, { ...document, reason: 'Taken over' });
    expect(result.created).toEqual([
      { kind: 'environment', key: 'abroad', environment: null },
      { kind: 'segment', key: 'insiders', environment: null },
      { kind: 'feature', key: 'comes', environment: null },
      { kind: 'configuration', key: 'comes', environment: 'abroad' },
    ]);
    expect(result.changed).toMatchObject([
      {
        kind: 'feature',
        key: 'becomes',
        differences: [{ text: 'name: "Feature becomes" → "Other"' }, { text: 'plans.tiny: false → true' }],
      },
    ]);
    expect(result.notCarriedOver).toEqual([
      {
        path: 'document.features.1.definition.plans.gold',
        what: 'false for the plan "gold"',
        why: expect.stringContaining('no such plan'),
      },
    ]);
    // What the document says nothing of stays: the owner, and a plan that it does not know.
    expect((await api.get(`${FEATURES}/becomes`)).body).toMatchObject({
      owner: 'team-a',
      plans: { pro: true, tiny: true },
    });
    expect((await api.get(`${FEATURES}/kept`)).body).toMatchObject({ version: 1, plans: { pro: true } });
    expect((await api.get(`${FEATURES}/comes/changes`)).body.data[0]).toMatchObject({ reason: 'Taken over' });
    const again = await imported(to, document);
    expect(again).toMatchObject({ created: [], changed: [], unchanged: 5 });
  });

  it('give environments the names that they have here, or leave them out', async () => {
    const configurations = ['prod', 'sandbox', 'staging'].map((environment) => ({ environment, enabled: false }));
    const environments = configurations.map(({ environment }) => ({ key: environment, name: 'There' }));
    const body = own([entry('mapped', {}, configurations)], { environments });
    const result = await imported(to, { ...body, environmentMapping: { prod: 'production', sandbox: null } });
    expect(result.created.map(({ key, environment }: Record<string, string>) => [key, environment])).toEqual([
      ['mapped', null],
      ['mapped', 'production'],
      ['mapped', 'staging'],
    ]);
    const twice = { ...body, environmentMapping: { prod: 'staging' } };
    expect(refusals((await to.api.post(IMPORT, twice).expect(400)).body)).toEqual([
      'environmentMapping environment_twice',
    ]);
    const slip = { ...body, environmentMapping: { prod: 'production', prd: 'production' } };
    expect((await to.api.post(IMPORT, slip).expect(400)).body.errors).toEqual([
      {
        field: 'environmentMapping.prd',
        code: 'environment_unknown',
        message: 'The document has no environment "prd"',
      },
    ]);
    for (const environmentMapping of [{ prod: 'NO' }, [], 'x', { prod: 1 }, null])
      await to.api.post(IMPORT, { ...body, environmentMapping }).expect(400);
  });

  it('bring a graph from one state to any other, whatever stands in the way in between', async () => {
    const { api } = to;
    const first = [
      entry('g-a', { dependencies: ['g-b'] }),
      entry('g-b'),
      entry('g-c', { dependencies: ['g-d', 'g-e'] }),
      entry('g-d'),
      entry('g-e'),
      entry('g-f', { conflicts: ['g-g'] }),
      entry('g-g'),
    ];
    // Turned round; in conflict what was needed together; needed together what was in conflict; archived with its user.
    const second = [
      entry('g-a', { dependencies: [] }),
      entry('g-b', { dependencies: ['g-a'] }),
      entry('g-c', { dependencies: ['g-d'], lifecycle: 'archived' }),
      entry('g-d', { conflicts: ['g-e'], lifecycle: 'archived' }),
      entry('g-e', { conflicts: ['g-d'] }),
      entry('g-f', { conflicts: [] }),
      entry('g-g', { conflicts: [] }),
      entry('g-h', { dependencies: ['g-f', 'g-g'] }),
    ];
    // Features that the document does not say to be active stay archived.
    const back = first.map(({ definition }) =>
      entry(definition.key, { dependencies: [], conflicts: [], lifecycle: 'active', ...definition }),
    );
    for (const features of [first, second, [...back, entry('g-h', { dependencies: [] })], second]) {
      await imported(to, own(features));
      const { created, changed } = await imported(to, own(features));
      expect({ created, changed }).toEqual({ created: [], changed: [] });
      for (const { definition } of features) {
        const { dependencies = [] } = definition as { dependencies?: string[] };
        expect((await api.get(`${FEATURES}/${definition.key}`)).body.dependencies).toEqual(dependencies);
      }
    }
  });

  it('change variants together with the rules that name them', async () => {
    const at = (key: string) =>
      own([
        entry('turned', { type: 'string', defaultValue: '', variants: [{ key, value: key }] }, [
          { environment: 'production', enabled: true, rules: [{ name: 'All', when: [], variant: key }] },
        ]),
      ]);
    await imported(to, at('old'));
    const { changed } = await imported(to, at('new'));
    expect(changed.map(({ kind }: { kind: string }) => kind).toSorted()).toEqual(['configuration', 'feature']);
    expect((await to.api.get(`${FEATURES}/turned/environments/production`)).body.rules).toMatchObject([
      { variant: 'new' },
    ]);
  });

  it('are refused as a whole, with every path, and the dry run says the same', async () => {
    const { api } = to;
    await api.feature('typed', { type: 'string', defaultValue: '' });
    const wrong = own([
      entry('fine'),
      entry('typed'),
      entry('round-a', { dependencies: ['round-b'] }),
      entry('round-b', { dependencies: ['round-a'] }),
      entry('lonely', { dependencies: ['nobody'] }),
      entry('ruled', {}, [
        { environment: 'production', enabled: true, rules: [{ name: 'x', when: [], segments: ['none'], value: 7 }] },
      ]),
    ]);
    const before = await api.revision();
    const { refused } = await imported(to, wrong, '?dryRun=true');
    expect(refused.map(({ path, code }: Record<string, string>) => `${path} ${code}`)).toEqual([
      'document.features.4.definition.dependencies feature_unknown',
      'document.features.1.definition conflict',
      'document.features.2.definition feature_dependency_cycle',
      'document.features.3.definition feature_dependency_cycle',
      'document.features.5.configurations.0.rules.0.segments.0 segment_unknown',
      'document.features.5.configurations.0.rules.0.value value_type_mismatch',
    ]);
    expect(refused[2].message).toBe('round-a → round-b → round-a');
    const { body } = await api.post(IMPORT, wrong).expect(400);
    expect(refusals(body)).toEqual(refused.map(({ path, code }: Record<string, string>) => `${path} ${code}`));
    expect(body.detail).toContain('Nothing was imported');
    await api.get(`${FEATURES}/fine`).expect(404);
    expect(await api.revision()).toBe(before);
  });

  it('are refused for a cycle with its path, whether its features are here, or come, or both', async () => {
    const { api } = to;
    const circle = own([
      entry('circle-a', { dependencies: ['circle-b'] }),
      entry('circle-b', { dependencies: ['circle-c'] }),
      entry('circle-c', { dependencies: ['circle-a'] }),
    ]);
    const refuse = async () => {
      const { body } = await api.post(IMPORT, circle).expect(409);
      expect(body).toMatchObject({
        code: 'feature_dependency_cycle',
        detail: expect.stringContaining('circle-a → circle-b → circle-c → circle-a'),
      });
      expect(refusals(body)).toEqual(
        [0, 1, 2].map((at) => `document.features.${at}.definition feature_dependency_cycle`),
      );
    };
    await refuse();
    await imported(to, own([entry('circle-b')]));
    await refuse();
    await imported(to, own([entry('circle-a'), entry('circle-c')]));
    await refuse();
    // What the document leaves out stays, and may close the circle too.
    await api.patch(`${FEATURES}/circle-a`, { dependencies: ['circle-b'] }).expect(200);
    const closing = own([entry('circle-a'), entry('circle-b', { dependencies: ['circle-a'] })]);
    expect((await api.post(IMPORT, closing).expect(409)).body.code).toBe('feature_dependency_cycle');
  });

  it('of 20 at once are made one after the other, and the same', async () => {
    const body = own([entry('crowd-a'), entry('crowd-b', { conflicts: ['crowd-a'] })]);
    const results = await Promise.all(Array.from({ length: 20 }, () => imported(to, body)));
    expect(results.filter(({ created }) => created.length === 2)).toHaveLength(1);
    expect(
      results.filter(({ created, changed, unchanged }) => created.length + changed.length === 0 && unchanged === 2),
    ).toHaveLength(19);
  });
});

describe('F15 imports from other systems', () => {
  const examples = [
    ['unleash', importExamples.unleash.value, 'new-search', 'development'],
    ['launchdarkly', importExamples.launchdarkly.value, 'new-checkout', 'production'],
  ] as const;
  it.each(examples)(
    '%s: the example of Swagger UI is made, and once more changes nothing',
    async (_, body, key, environment) => {
      const dry = await imported(to, body, '?dryRun=true');
      await to.api.get(`${FEATURES}/${key}`).expect(404);
      const run = await imported(to, body);
      expect(run).toEqual({ ...dry, dryRun: false });
      expect(run).toMatchObject({
        created: [
          { kind: 'feature', key },
          { kind: 'configuration', key, environment },
        ],
        refused: [],
      });
      const value = async (country: string) =>
        (await evaluate(to, 'pro', environment, { targetingKey: 'ada', country })).features.find(
          (one) => one.key === key,
        );
      expect((await value('DE'))!.details).toMatchObject({ rule: expect.any(String) });
      // What was added here, and is unknown there, stays.
      await to.api.patch(`${FEATURES}/${key}`, { plans: { pro: true }, owner: 'team-a' }).expect(200);
      expect(await imported(to, body)).toMatchObject({
        created: [],
        changed: [],
        unchanged: run.created.length + run.unchanged,
      });
      expect((await to.api.get(`${FEATURES}/${key}`)).body).toMatchObject({ plans: { pro: true }, owner: 'team-a' });
    },
  );

  it('an entry that our own rules refuse is listed, with the others made', async () => {
    const flags = [{ name: 'import' }, { name: 'well-named' }, { name: 'wordy', description: 'x'.repeat(3_000) }];
    const document = {
      features: flags,
      featureEnvironments: [{ featureName: 'well-named', environment: 'X!', enabled: true }],
    };
    const { created, notCarriedOver } = await imported(to, { format: 'unleash', document });
    expect(created).toEqual([{ kind: 'feature', key: 'well-named', environment: null }]);
    expect(notCarriedOver).toEqual([
      { path: 'document', what: 'the environment "X!"', why: expect.stringContaining('environmentMapping') },
      { path: 'document.features.0', what: 'the feature "import"', why: expect.stringContaining('definition.key') },
      {
        path: 'document.features.2',
        what: 'the feature "wordy"',
        why: expect.stringContaining('definition.description'),
      },
    ]);
  });
});

describe('F15 hostile documents', () => {
  const many = <T>(count: number, of: T): T[] => Array.from({ length: count }, () => of);
  const cases: [string, object, string][] = [
    ['no format', { features: [] }, 'document.format is_in'],
    ['another version', { format: 'tenon', formatVersion: 2, features: [] }, 'document.formatVersion is_in'],
    ['no features', { format: 'tenon', formatVersion: 1 }, 'document.features array_max_size'],
    [
      'features of another kind',
      own([]) && { format: 'tenon', formatVersion: 1, features: { a: 1 } },
      'document.features array_max_size',
    ],
    ['null for a feature', own([null as unknown as object]).document, 'document.features.0 '],
    ['a number for a definition', own([{ definition: 7 }]).document, 'document.features.0.definition '],
    ['a key that is none', own([entry('No key')]).document, 'document.features.0.definition.key matches'],
    ['a reserved key', own([entry('import')]).document, 'document.features.0.definition.key is_not_in'],
    ['an unknown property', own([{ ...entry('a'), more: 1 }]).document, 'document.features.0.more unknown_property'],
    ['a key twice', own([entry('a'), entry('a')]).document, 'document.features array_unique'],
    ['100,000 features', own(many(100_000, {})).document, 'document.features array_max_size'],
    [
      '100,000 rules',
      own([entry('a', {}, [{ rules: many(100_000, {}) }])]).document,
      'document.features.0.configurations.0.rules array_max_size',
    ],
    ['100,000 objects in lists', own(many(900, { x: many(100, {}) })).document, 'document document_too_large'],
    [
      '100,000 dependencies',
      own([entry('a', { dependencies: many(100_000, 'a') })]).document,
      'document.features.0.definition.dependencies array_max_size',
    ],
  ];
  it.each(cases)('%s is told by its path', async (_, document, expected) => {
    const { body } = await to.api.post(IMPORT, { format: 'tenon', document }).expect(400);
    expect(body.code).toBe('validation_failed');
    expect(refusals(body).join('\n')).toContain(expected);
  });

  it.each([
    ['unleash', { features: {} }, 'document.features document_shape'],
    ['unleash', { features: [{ name: 7 }] }, 'document.features.0.name document_shape'],
    [
      'unleash',
      { features: [], featureStrategies: [{ featureName: 'a', constraints: [{ operator: {} }] }] },
      'document.featureStrategies.0.constraints.0 document_shape',
    ],
    ['launchdarkly', {}, 'document document_shape'],
    ['launchdarkly', { items: [{ key: 'a', variations: [] }] }, 'document.items.0.variations document_shape'],
    [
      'launchdarkly',
      { items: [{ key: 'a', variations: [{ value: 1 }], environments: { p: { on: 1 } } }] },
      'document.items.0.environments.p.on document_shape',
    ],
    ['launchdarkly', { items: many(2_000, { key: 'a' }) }, 'document.items document_too_large'],
  ])('%s: %j', async (format, document, expected) => {
    const { body } = await to.api.post(IMPORT, { format, document }).expect(400);
    expect(refusals(body)).toEqual([expected]);
  });

  it('a prototype, depth and size are refused before anything is read', async () => {
    const send = (text: string) =>
      to.tenon.http.post(IMPORT).set(to.api.admin).set('content-type', 'application/json').send(text);
    const around = (inner: string): string =>
      `{"format":"tenon","document":{"format":"tenon","formatVersion":1,"features":[${inner}]}}`;
    expect((await send(around('{"__proto__":{"x":1}}')).expect(400)).body.code).toBe('malformed_json');
    expect((await send(around('['.repeat(1_000) + ']'.repeat(1_000))).expect(400)).body.code).toBe('malformed_json');
    await send(around(JSON.stringify('x'.repeat(1024 * 1024)))).expect(413);
    await send('{"format":"else","document":{}}').expect(400);
    await send('{"format":"tenon","document":[]}').expect(400);
  });
});
