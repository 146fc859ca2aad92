import { describe, expect, it } from 'vitest';
import type { AccessPolicies, OrganizationFacts } from './access.queries.js';
import { refusalAtDoor, refusalByPolicies, type Visitor } from './organization-door.js';

const NONE: AccessPolicies = { sessionLifetimeMinutes: null, signInMethods: null, ipAllowList: null };
const now = (): number => Math.floor(Date.now() / 1000);

/** Somebody who signed in just now, from outside every list below. */
function visitor({ ip = '198.51.100.9' as string | null, ageSeconds = 0, methods = ['pwd'] } = {}): Visitor {
  return { ip, signIn: { authTime: now() - ageSeconds, methods } };
}
const codeFor = (policies: Partial<AccessPolicies>, who: Visitor = visitor()): string | undefined =>
  refusalByPolicies({ ...NONE, ...policies }, who)?.code;

describe('O7 policies at the door', () => {
  it('that ask nothing refuse nobody', () => {
    expect(codeFor({})).toBeUndefined();
    expect(codeFor({}, { ip: null, signIn: null })).toBeUndefined();
  });

  it('the allow-list takes who comes from one of its ranges', () => {
    const ipAllowList = ['203.0.113.0/24', '2001:db8::/32'];
    for (const ip of ['203.0.113.7', '::ffff:203.0.113.7', '2001:db8::1'])
      expect(codeFor({ ipAllowList }, visitor({ ip })), ip).toBeUndefined();
    for (const ip of ['198.51.100.9', '::ffff:198.51.100.9', '2001:db9::1', '::1', '', 'unknown', null])
      expect(codeFor({ ipAllowList }, visitor({ ip })), String(ip)).toBe('ip_not_allowed');
  });

  it('an allow-list that is empty or unreadable takes nobody', () => {
    for (const ipAllowList of [[], [''], ['0.0.0.0/-1'], ['everywhere']])
      expect(codeFor({ ipAllowList }), String(ipAllowList)).toBe('ip_not_allowed');
  });

  it.each([
    [['pwd'], ['password'], true],
    [['pwd', 'otp', 'mfa'], ['password'], true],
    [['hwk'], ['passkey'], true],
    [['swk'], ['passkey'], true],
    [['pwd', 'hwk'], ['passkey'], true],
    [['pwd'], ['passkey', 'oidc', 'saml'], false],
    [['otp'], ['password', 'passkey'], false],
    [[], ['password'], false],
    [['password'], ['password'], false],
    [['constructor', '__proto__', 'toString'], ['password', 'passkey', 'oidc', 'saml'], false],
    [['pwd'], [], false],
  ] as const)('a sign-in by %j where %j are allowed: %s', (methods, signInMethods, passes) => {
    const refusal = codeFor({ signInMethods }, visitor({ methods: [...methods] }));
    expect(refusal).toBe(passes ? undefined : 'sign_in_method_not_allowed');
  });

  it('a sign-in that is too old is asked for again, as RFC 9470 says it', () => {
    const policies = { ...NONE, sessionLifetimeMinutes: 60 };
    expect(refusalByPolicies(policies, visitor({ ageSeconds: 3_590 }))).toBeNull();
    const refusal = refusalByPolicies(policies, visitor({ ageSeconds: 3_602 }));
    expect(refusal).toMatchObject({ code: 'reauthentication_required', status: 401 });
    expect(refusal!.headers['www-authenticate']).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="[^"]+", max_age="3600"$/,
    );
  });

  it('who shows no sign-in meets none that is asked for', () => {
    const nobody = { ip: '203.0.113.7', signIn: null };
    expect(codeFor({ signInMethods: ['password'] }, nobody)).toBe('sign_in_method_not_allowed');
    expect(codeFor({ sessionLifetimeMinutes: 60 }, nobody)).toBe('reauthentication_required');
  });

  it('of several refusals the one comes first that a new sign-in would not change', () => {
    const policies = {
      ipAllowList: ['203.0.113.0/24'],
      signInMethods: ['passkey'],
      sessionLifetimeMinutes: 5,
    } as const;
    const old = { ageSeconds: 600 };
    expect(codeFor(policies, visitor(old))).toBe('ip_not_allowed');
    expect(codeFor(policies, visitor({ ...old, ip: '203.0.113.7' }))).toBe('sign_in_method_not_allowed');
    expect(codeFor(policies, visitor({ ...old, ip: '203.0.113.7', methods: ['hwk'] }))).toBe(
      'reauthentication_required',
    );
  });

  it('the state of the organization comes before its policies, and binds an owner who can change it', () => {
    const facts = (status: OrganizationFacts['status']): OrganizationFacts => ({
      status,
      customRoles: new Map(),
      policies: { ...NONE, ipAllowList: ['203.0.113.0/24'] },
    });
    const door = (status: OrganizationFacts['status'], keepsSomething: boolean): string | undefined =>
      refusalAtDoor(facts(status), visitor(), keepsSomething)?.code;
    expect(door('deactivated', false)).toBe('organization_inactive');
    expect(door('deleted', false)).toBe('not_found');
    for (const status of ['active', 'deactivated', 'deleted'] as const)
      expect(door(status, true)).toBe('ip_not_allowed');
    // A role without a permission is a role.
    expect(door('active', false)).toBe('ip_not_allowed');
  });

  it('an allow-list is parsed once, however often it is asked', () => {
    // Its text is read once: what stands in the array later is not looked at.
    const ipAllowList = ['203.0.113.0/24'];
    const who = visitor({ ip: '203.0.113.7' });
    expect(codeFor({ ipAllowList }, who)).toBeUndefined();
    ipAllowList[0] = '198.51.100.0/24';
    expect(codeFor({ ipAllowList }, who)).toBeUndefined();
  });
});
