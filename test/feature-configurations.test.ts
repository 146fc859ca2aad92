import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationExamples } from '../src/features/configurations/configurations.dto.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';

let tenon: TestApp;
let api: FeatureAdmin;
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
});
afterAll(() => tenon.close());

const codes = ({ body }: { body: { errors?: { field: string; code: string }[] } }): string[] =>
  (body.errors ?? []).map(({ field, code }) => `${field} ${code}`);
const everybody = { name: 'Everybody', when: [], value: true };

describe('F1 F6 configurations', () => {
  it('that nobody made are enabled without rules, of version 0', async () => {
    const path = await api.feature('untouched');
    const { body, headers } = await api.get(`${path}/environments/production`).expect(200);
    expect(body).toEqual({
      feature: 'untouched',
      environment: 'production',
      enabled: true,
      rules: [],
      rollout: null,
      version: 0,
      updatedAt: null,
    });
    expect(headers.etag).toBe('"0"');
    const list = await api.get(`${path}/environments?perPage=2`).expect(200);
    expect(list.body.data.map(({ environment, version }: typeof body) => [environment, version])).toEqual([
      ['development', 0],
      ['production', 0],
    ]);
    expect(list.body.meta.total).toBe(3);
  });

  it('are put in place of what was there, in one environment alone', async () => {
    const path = await api.feature('put', { variants: [{ key: 'blue', value: true }] });
    const before = await api.revision();
    const rules = [
      { name: 'A value', when: [{ attribute: 'plan', operator: 'equals', values: ['x', 1, true] }], value: false },
      { name: 'A variant', when: [{ attribute: 'beta', operator: 'exists', values: [] }], variant: 'blue' },
      { name: 'A part', when: [], rollout: { percentage: 12.345, salt: 'spring', bucketing: 'unleash' } },
    ];
    const { body, headers } = await api
      .put(`${path}/environments/staging`, { enabled: false, rules, rollout: { by: 'company', percentage: 50 } })
      .expect(200);
    expect(body).toEqual({
      feature: 'put',
      environment: 'staging',
      enabled: false,
      rules: [rules[0], rules[1], { ...rules[2], rollout: { by: 'targetingKey', ...rules[2]!.rollout } }],
      rollout: { by: 'company', percentage: 50 },
      version: 1,
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(headers.etag).toBe('"1"');
    expect((await api.get(`${path}/environments/staging`)).body).toEqual(body);
    expect((await api.get(`${path}/environments/production`)).body.version).toBe(0);
    expect(await api.revision()).toBe(before + 1);
    const cleared = await api.put(`${path}/environments/staging`, { enabled: false }).expect(200);
    expect(cleared.body).toMatchObject({ enabled: false, rules: [], rollout: null, version: 2 });
    expect((await api.put(`${path}/environments/staging`, { enabled: false, rules: [] })).body.version).toBe(2);
    expect(await api.revision()).toBe(before + 2);
    expect(await api.changesOf('feature.configured', 'put')).toEqual([
      {
        before: { environment: 'staging', enabled: true, rules: [], rollout: null },
        after: { environment: 'staging', enabled: false, rules: body.rules, rollout: body.rollout },
      },
      {
        before: { environment: 'staging', rules: body.rules, rollout: body.rollout },
        after: { environment: 'staging', rules: [], rollout: null },
      },
    ]);
    expect((await api.get(path)).body.version).toBe(1);
  });

  it('P22: an If-Match of "0" makes one only where there is none', async () => {
    const path = `${await api.feature('raced')}/environments/production`;
    const answers = await atOnce(50, (n) => api.put(path, { enabled: n % 2 === 0 }).set('if-match', '"0"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
    await api
      .put(path, { enabled: true, rules: [everybody] })
      .set('if-match', '"1"')
      .expect(200);
    await api.put(path, { enabled: true }).set('if-match', '"1"').expect(412);
    await api.put(path, { enabled: true }).set('if-match', '*').expect(200);
  });

  it('P3: the examples of Swagger UI do what they say', async () => {
    const path = `${await api.feature('examples')}/environments/production`;
    for (const { value } of Object.values(configurationExamples)) await api.put(path, value).expect(200);
  });

  it('are of a feature and an environment that are there', async () => {
    const path = await api.feature('placed');
    for (const one of [`${path}/environments/nowhere`, '/api/v1/features/nothing/environments/production']) {
      await api.get(one).expect(404);
      expect((await api.put(one, { enabled: true }).expect(404)).body.code).toBe('not_found');
    }
    await api.get('/api/v1/features/nothing/environments').expect(404);
    for (const one of [
      `${path}/environments/A`,
      `${path}/environments/x'--`,
      '/api/v1/features/A/environments/staging',
    ])
      await api.get(one).expect(400);
  });

  it('are for platform admins, and go with their feature', async () => {
    const path = await api.feature('guarded');
    const { auth } = api.person;
    for (const ask of [
      api.get(`${path}/environments`, auth),
      api.get(`${path}/environments/production`, auth),
      api.put(`${path}/environments/production`, { enabled: false }, auth),
      api.put(`${path}/environments/production`, {}, auth),
    ])
      expect((await ask.expect(403)).body.code).toBe('permission_denied');
    await api.put(`${path}/environments/production`, { enabled: false }).expect(200);
    await api.remove(path).expect(204);
    expect(await api.rows(`select from feature_configurations where feature_key = 'guarded'`)).toEqual([]);
  });

  it('case 6: when the trail cannot be written nothing is changed', async () => {
    const path = `${await api.feature('trailed')}/environments/production`;
    await api.rows(`alter table audit_log add constraint broken check (action <> 'feature.configured') not valid`);
    const before = await api.revision();
    try {
      await api.put(path, { enabled: false }).expect(500);
    } finally {
      await api.rows('alter table audit_log drop constraint broken');
    }
    expect((await api.get(path)).body).toMatchObject({ enabled: true, version: 0 });
    expect(await api.revision()).toBe(before);
  });
});

describe('F6 case 34, case 7, case 8: what a configuration cannot be', () => {
  const condition = { attribute: 'a', operator: 'in', values: ['x'] };
  const rule = (more: object): object => ({ enabled: true, rules: [{ ...everybody, ...more }] });
  const when = (more: object): object => rule({ when: [{ ...condition, ...more }] });
  let path: string;
  beforeAll(async () => {
    path = `${await api.feature('refused', { variants: [{ key: 'a', value: true }] })}/environments/production`;
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['no truth', { enabled: 'true' }],
    ['rules as an object', { enabled: true, rules: {} }],
    ['rules as null', { enabled: true, rules: null }],
    ['a rule that is a text', { enabled: true, rules: ['x'] }],
    ['a rule without a name', rule({ name: undefined })],
    ['a name with a line break', rule({ name: 'a\nb' })],
    ['a rule without conditions', rule({ when: undefined })],
    ['a value of another type', rule({ value: 'true' })],
    ['null as value', rule({ value: null })],
    ['no value at all', rule({ value: undefined })],
    ['a value and a variant', rule({ variant: 'a' })],
    ['a value and a roll-out', rule({ rollout: { percentage: 1 } })],
    ['a variant that is not there', rule({ value: undefined, variant: 'b' })],
    ['a segment that is not there', rule({ segments: ['nothing'] })],
    ['segments as a text', rule({ segments: 'a' })],
    ['two rules of one name', { enabled: true, rules: [everybody, everybody] }],
    ['101 rules', { enabled: true, rules: Array.from({ length: 101 }, (_, n) => ({ ...everybody, name: `R${n}` })) }],
    ['an operator of its own', when({ operator: 'matches' })],
    ['an operator of the inside', when({ operator: 'regex', values: ['(a+)+$'] })],
    ['an operator object', when({ operator: { $ne: 1 } })],
    ['values as a text', when({ values: 'x' })],
    ['no values', when({ values: [] })],
    ['values of a deeper kind', when({ values: [['x']] })],
    ['values as objects', when({ values: [{ $gt: '' }] })],
    ['texts for numbers', when({ operator: 'greater_than', values: ['x'] })],
    ['no time', when({ operator: 'before', values: ['tomorrow'] })],
    ['no version', when({ operator: 'semver_equals', values: ['x'] })],
    ['1,001 values', when({ values: Array.from({ length: 1_001 }, String) })],
    ['an attribute that is none', when({ attribute: '' })],
    ['more in a condition', when({ inverted: true })],
    ['21 conditions', rule({ when: Array.from({ length: 21 }, () => condition) })],
    ...[-1, 101, 1.0001, '5', null, 'NaN'].map((percentage): [string, object] => [
      `${percentage} %`,
      { enabled: true, rollout: { percentage } },
    ]),
    ['a bucketing of its own', { enabled: true, rollout: { percentage: 5, bucketing: 'md5' } }],
    ['variants of a roll-out', { enabled: true, rollout: { percentage: 5, variants: [] } }],
    ['a version of its own', { enabled: true, version: 5 }],
    ['another environment', { enabled: true, environment: 'staging' }],
  ])('%s', async (_, body) => {
    expect((await api.put(path, body).expect(400)).body.code).toBe('validation_failed');
    expect((await api.get(path)).body.version).toBe(0);
  });

  it('the field is named by its path', async () => {
    const { body } = await api.put(path, {
      enabled: true,
      rules: [
        everybody,
        { ...everybody, value: 1 },
        { name: 'X', when: [{ ...condition, values: [] }], segments: ['no'] },
      ],
    });
    expect(codes({ body })).toEqual([
      'rules.1.value value_type_mismatch',
      'rules.2.when.0.values values_count',
      'rules.2.segments.0 segment_unknown',
      'rules.2 rule_gives_one',
      'rules.1.name rule_name_duplicate',
    ]);
  });

  it('segments that are not there are named, each', async () => {
    const { body } = await api
      .put(path, { enabled: true, rules: [{ ...everybody, segments: ['pilots', 'staff'] }] })
      .expect(400);
    expect(body.detail).toBe('There is no segment "pilots"; There is no segment "staff"');
  });

  it('a roll-out of a text needs variants, and a value of type json fits the schema', async () => {
    const text = `${await api.feature('text', { type: 'string', defaultValue: 'x' })}/environments/production`;
    const { body } = await api.put(text, { enabled: true, rollout: { percentage: 5 } }).expect(400);
    expect(codes({ body })).toEqual(['rollout rollout_needs_variants']);
    const json = await api.feature('json', {
      type: 'json',
      defaultValue: {},
      schema: { properties: { a: { type: 'number' } } },
    });
    const rules = [{ name: 'X', when: [], value: { a: 'x' } }];
    const misfit = await api.put(`${json}/environments/production`, { enabled: true, rules }).expect(400);
    expect(codes(misfit)).toEqual(['rules.0.value.a value_schema_mismatch']);
  });

  it('SQL is text wherever there is text', async () => {
    const sql = `'; drop table feature_configurations; -- ? $1 \\' "`;
    const rules = [{ name: sql, when: [{ attribute: sql, operator: 'in', values: [sql] }], value: true }];
    const { body } = await api.put(path, { enabled: true, rules, rollout: { by: sql, percentage: 1, salt: sql } });
    expect(body).toMatchObject({ rules, rollout: { by: sql, percentage: 1, salt: sql }, version: 1 });
    expect((await api.get(path)).body).toEqual(body);
  });
});
