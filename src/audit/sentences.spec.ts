import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newId } from '../kernel/ids.js';
import type { EntryFacts } from './audit-log.view.js';
import { ACTIONS, toSentence } from './sentences.js';

const [ada, grace, gone] = [newId(), newId(), newId()];
const names = new Map([
  [ada, 'Ada Lovelace'],
  [grace, 'Grace Hopper'],
]);

function entry(facts: Partial<EntryFacts>): EntryFacts {
  return {
    id: newId(),
    occurredAt: '2026-11-21T08:00:00.000Z',
    action: 'test.done',
    outcome: 'success',
    reason: null,
    actorKind: 'user',
    actorId: grace,
    actorName: null,
    actorRole: 'owner',
    impersonatorId: null,
    sessionId: null,
    apiKeyId: null,
    userId: ada,
    organizationId: null,
    targetType: null,
    targetId: null,
    before: null,
    after: null,
    ip: null,
    userAgent: null,
    requestId: null,
    ...facts,
  };
}
const tell = (facts: Partial<EntryFacts>): string => toSentence(entry(facts), names);

describe('U3 sentences', () => {
  it.each<[string, Partial<EntryFacts>]>([
    [
      'Grace Hopper invited bob@example.com as admin',
      { action: 'invitation.created', userId: null, after: { email: 'bob@example.com', role: 'admin' } },
    ],
    [
      'Grace Hopper changed the role of Ada Lovelace from member to admin',
      { action: 'member.role_changed', before: { role: 'member' }, after: { role: 'admin' } },
    ],
    [
      'Somebody failed to sign in as ada@example.com: invalid_credentials',
      {
        action: 'password.refused',
        actorKind: 'anonymous',
        actorId: null,
        actorRole: null,
        outcome: 'failure',
        targetId: 'ada@example.com',
        reason: 'invalid_credentials',
      },
    ],
    [
      'A platform admin changed the plan from standard to pro',
      {
        action: 'organization.plan_changed',
        actorRole: 'platform-admin',
        before: { plan: 'standard' },
        after: { plan: 'pro' },
      },
    ],
    ['Grace Hopper removed Ada Lovelace', { action: 'member.removed', before: { role: 'member' } }],
    ['Ada Lovelace left by deleting their account', { action: 'member.removed', actorId: ada }],
    ['A deleted user removed a deleted user', { action: 'member.removed', actorId: gone, userId: newId() }],
    [
      'Ada Lovelace joined as owner',
      { action: 'member.joined', actorKind: 'anonymous', actorId: null, after: { role: 'owner' } },
    ],
    ['Tenon added Ada Lovelace as member', { action: 'member.joined', actorKind: 'system', after: { role: 'member' } }],
    [
      'Grace Hopper changed the security policies (mfaRequired on, ipAllowList)',
      {
        action: 'organization.policies_updated',
        before: { mfaRequired: false },
        after: { mfaRequired: true, ipAllowList: ['10.0.0.0/8'] },
      },
    ],
    [
      'Grace Hopper was refused PATCH /api/v1/organizations/:organizationId, which needs organization:update',
      {
        action: 'permission.denied',
        outcome: 'failure',
        targetId: 'PATCH /api/v1/organizations/:organizationId',
        reason: 'organization:update',
      },
    ],
    [
      'Grace Hopper was refused GET /api/v1/admin/users, which is for platform admins',
      {
        action: 'permission.denied',
        outcome: 'failure',
        targetId: 'GET /api/v1/admin/users',
        reason: 'platform-admin',
      },
    ],
    [
      'Grace Hopper was refused GET /api/v1/organizations/:organizationId: ip_not_allowed',
      {
        action: 'permission.denied',
        outcome: 'failure',
        targetId: 'GET /api/v1/organizations/:organizationId',
        reason: 'ip_not_allowed',
      },
    ],
    [
      'Grace Hopper was refused PATCH /api/v1/organizations/:organizationId/members/:userId: Nobody changes their own role',
      {
        action: 'permission.denied',
        outcome: 'failure',
        targetId: 'PATCH /api/v1/organizations/:organizationId/members/:userId',
        reason: 'Nobody changes their own role',
      },
    ],
    [
      'Grace Hopper renamed the organization from Engines to Analytical Engines',
      {
        action: 'organization.updated',
        before: { name: 'Engines', slug: 'engines' },
        after: { name: 'Analytical Engines', slug: 'engines' },
      },
    ],
    [
      'Grace Hopper changed the organization (slug)',
      { action: 'organization.updated', before: { name: 'E', slug: 'e' }, after: { name: 'E', slug: 'engines' } },
    ],
    ['The proof of the domain example.com lapsed', { action: 'domain.lapsed', after: { domain: 'example.com' } }],
    [
      'Grace Hopper removed Ada Lovelace, but was refused: An organization needs an owner; transfer it first',
      { action: 'member.removed', outcome: 'failure', reason: 'last_owner' },
    ],
    [
      'A platform admin in the name of Grace Hopper removed Ada Lovelace',
      { action: 'member.removed', impersonatorId: newId() },
    ],
  ])('%s', (sentence, facts) => {
    expect(tell(facts)).toBe(sentence);
  });

  it.each<[string, Partial<EntryFacts>]>([
    [
      'Grace Hopper switched off the feature reports in production',
      {
        action: 'feature.configured',
        before: { environment: 'production', enabled: true },
        after: { environment: 'production', enabled: false },
      },
    ],
    [
      'Grace Hopper switched on the feature reports in production, and configured it there (rules)',
      {
        action: 'feature.configured',
        before: { environment: 'production', enabled: false, rules: [] },
        after: { environment: 'production', enabled: true, rules: [{ name: 'beta' }] },
      },
    ],
    [
      'Grace Hopper configured the feature reports in staging (rollout)',
      {
        action: 'feature.configured',
        before: { environment: 'staging', rollout: null },
        after: { environment: 'staging', rollout: { percentage: 5 } },
      },
    ],
    [
      'Grace Hopper switched on the feature reports in every environment by an override',
      { action: 'feature.overridden', after: { value: true, environment: null, expiresAt: null, reason: 'Pilot' } },
    ],
    [
      'Grace Hopper overrode the feature reports in staging from 5 to 25',
      {
        action: 'feature.overridden',
        before: { value: 5, environment: 'staging' },
        after: { value: 25, environment: 'staging' },
      },
    ],
    [
      'Grace Hopper changed the override of the feature reports in staging (expiresAt)',
      {
        action: 'feature.overridden',
        before: { value: true, environment: 'staging', expiresAt: null },
        after: { value: true, environment: 'staging', expiresAt: '2027-01-01T00:00:00.000Z' },
      },
    ],
    [
      'Grace Hopper paused reports',
      { action: 'schedule.updated', before: { enabled: true }, after: { enabled: false } },
    ],
    [
      'Grace Hopper resumed reports, and changed when it runs (timezone)',
      {
        action: 'schedule.updated',
        before: { enabled: false, timezone: 'UTC' },
        after: { enabled: true, timezone: 'Europe/Vienna' },
      },
    ],
    [
      'Grace Hopper switched off the webhook to example.com',
      {
        action: 'webhook.updated',
        before: { host: 'example.com', enabled: true },
        after: { host: 'example.com', enabled: false },
      },
    ],
    [
      'Tenon could not apply the change request Go live: What the change request is about was changed since',
      {
        action: 'feature_change_request.applied',
        actorKind: 'system',
        outcome: 'failure',
        reason: 'feature_change_outdated',
        after: { title: 'Go live' },
      },
    ],
    [
      'Grace Hopper could not apply the template reports: The feature needs another one that is off (billing)',
      {
        action: 'template.applied',
        outcome: 'failure',
        reason: 'feature_dependency_unmet',
        after: { feature: 'billing', organizationId: newId() },
      },
    ],
    [
      'Grace Hopper applied the template reports to 5 organizations',
      { action: 'template.applied', after: { organizations: 5 } },
    ],
    [
      'Grace Hopper applied the template reports to 1 organization',
      { action: 'template.applied', after: { organizations: 1 } },
    ],
    [
      'Grace Hopper rolled the template reports back for 5 organizations, except for 2 overrides that had been changed since',
      { action: 'template.rolled_back', before: { organizations: 5 }, after: { kept: 2 } },
    ],
  ])('F11 %s', (sentence, facts) => {
    expect(tell({ userId: null, targetId: 'reports', ...facts })).toBe(sentence);
  });

  it('work of which a part failed was not refused', () => {
    const facts = { action: 'cleanup.ended', actorKind: 'system', after: { deleted: 5, expired: 9 } } as const;
    expect(tell(facts)).toMatch(/removed 5 of 9 rows that had expired$/);
    expect(tell({ ...facts, outcome: 'failure' })).toMatch(/removed 5 of 9 rows that had expired, but a part failed$/);
  });

  it('A18: who acted by an API key is a person or a service account', () => {
    const facts = { action: 'organization.deactivated', apiKeyId: newId(), actorRole: 'api-key' };
    expect(tell(facts)).toBe('Grace Hopper (by an API key) deactivated the organization');
    const account = { ...facts, actorKind: 'service_account' } as const;
    expect(tell(account)).toBe('The service account Grace Hopper deactivated the organization');
    expect(tell({ ...account, actorId: gone })).toBe('A deleted service account deactivated the organization');
    expect(tell({ action: 'api_key.revoked', before: { name: 'CI' } })).toBe('Grace Hopper revoked the API key CI');
    expect(tell({ action: 'api_key.revoked', before: { name: 'CI' }, reason: 'user_disabled' })).toBe(
      'Grace Hopper revoked the API key CI: user_disabled',
    );
  });

  it('an action that a later version wrote is told by its words', () => {
    expect(tell({ action: 'api_key.renamed' })).toBe('Grace Hopper: api key renamed');
    expect(tell({ action: 'constructor' })).toBe('Grace Hopper: constructor');
    expect(tell({ action: 'toString', actorKind: 'system' })).toBe('Tenon: toString');
  });

  it.each(ACTIONS)('%s is told of an entry that says nothing, or other things than were thought', (action) => {
    const nothing = { actorId: null, userId: null, before: null, after: null };
    const strange = { role: { a: 1 }, email: ['a', {}], name: null, plan: Number.NaN, key: '', domain: '\u202E' };
    for (const actorKind of ['user', 'anonymous', 'system'] as const)
      for (const facts of [nothing, { before: strange, after: strange }, { ...nothing, outcome: 'failure' as const }]) {
        const sentence = tell({ action, actorKind, ...facts });
        expect(sentence).toMatch(/^\p{Lu}.+[\p{L}\p{N})…]$/u);
        expect(sentence).not.toMatch(/undefined|null|\[object|\s\s|\p{C}/u);
      }
  });

  it('case 11: what people chose is one short line, and nothing in it turns the text around', () => {
    const name = `Eve\u202E\u0000\r\nBcc: x\u2066\u200B${'x'.repeat(500)}`;
    const sentence = toSentence(
      entry({
        action: 'role.created',
        after: { key: `<img src=x>\u2029${'k'.repeat(500)}`, [`field\u202E`]: 1 },
      }),
      new Map([[grace, name]]),
    );
    expect(sentence).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(sentence).toMatch(/^Eve Bcc: x x+… made the role <img src=x> k+…$/);
    expect([...sentence].length).toBeLessThan(200);
  });

  it('leaves a name as its owner writes it', () => {
    expect(toSentence(entry({ action: 'member.left' }), new Map([[grace, 'bell hooks']]))).toBe('bell hooks left');
  });
});

/** The second argument of each call of `record(` or `entry(` in a source file, as it is written. */
function actionArguments(source: string): string[] {
  return [...source.matchAll(/\.(?:record|entry)\(/g)].flatMap(({ index, 0: call }) => {
    const parts = [''];
    let depth = 1;
    for (const sign of source.slice(index + call.length)) {
      if ('([{'.includes(sign)) depth += 1;
      if (')]}'.includes(sign)) depth -= 1;
      if (depth === 0) break;
      if (sign === ',' && depth === 1) parts.push('');
      else parts[parts.length - 1] += sign;
    }
    return parts[1]?.trim() ? [parts[1].trim()] : [];
  });
}

/** The actions that an expression can be: a text, a choice of texts, a template with a choice in it. */
function actionsOf(expression: string): string[] {
  const template = /^`([^$]*)\$\{[^?]*\?([^}]*)\}([^$]*)`$/s.exec(expression);
  const texts = (source: string): string[] => [...source.matchAll(/'([^']*)'/g)].map(([, text]) => text!);
  if (template) return texts(template[2]!).map((choice) => `${template[1]}${choice}${template[3]}`);
  return texts(expression);
}

describe('U1 every action that is recorded has a sentence', () => {
  const recorded = globSync('src/**/*.ts')
    .filter((path) => !path.startsWith('src/audit/'))
    .flatMap((path) => {
      const source = readFileSync(path, 'utf8');
      return actionArguments(source).flatMap((argument) => {
        const actions = actionsOf(argument);
        // Named elsewhere in the file: whatever looks like an action there.
        return actions.length > 0 ? actions : [...source.matchAll(/'([a-z_]+\.[a-z_]+)'/g)].map(([, text]) => text!);
      });
    });

  it('finds them in the sources', () => {
    expect(recorded).toEqual(
      expect.arrayContaining(['session.opened', 'user.enabled', 'user.disabled', 'member.joined', 'permission.denied']),
    );
    expect(recorded.length).toBeGreaterThan(30);
  });

  it.each([...new Set(recorded)])('%s', (action) => {
    expect(action).toMatch(/^[a-z_]+\.[a-z_]+$/);
    expect(ACTIONS).toContain(action);
  });
});
