import type { Actor } from '../../kernel/actor.js';
import { type Problem, problem } from '../../kernel/problem.js';
import { IpRanges } from '../policies/ip-ranges.js';
import type { SignInMethod } from '../policies/organization-policies.entity.js';
import type { AccessPolicies, OrganizationFacts } from './access.queries.js';

/** Of somebody who acts, what the policies look at. */
export type Visitor = Pick<Actor, 'ip' | 'signIn'>;

/** Which of our methods a name of RFC 8176 stands for. */
const METHODS: ReadonlyMap<string, SignInMethod> = new Map([
  ['pwd', 'password'],
  // A passkey's key is in hardware or in software; both are one method.
  ['hwk', 'passkey'],
  ['swk', 'passkey'],
]);

/**
 * What stands between a member and the organization, whatever their role permits.
 * @param keepsSomething whether the role keeps a permission while the organization is not active.
 * @returns null when nothing does.
 */
export function refusalAtDoor(
  { status, policies }: OrganizationFacts,
  visitor: Visitor,
  keepsSomething: boolean,
): Problem | null {
  if (status !== 'active' && !keepsSomething)
    // What is deleted is gone for everybody but its owner, who can bring it back.
    return problem(status === 'deleted' ? 'not_found' : 'organization_inactive');
  return refusalByPolicies(policies, visitor);
}

/**
 * What stands between an API key and its organization: its state, and where the key comes from. Nobody signed in, so
 * what is asked of a sign-in does not hold.
 * @returns null when nothing does.
 */
export function refusalOfKey({ status, policies }: OrganizationFacts, { ip }: Pick<Actor, 'ip'>): Problem | null {
  // Not `not_found`: whoever holds a key knows the organization, and on a route that names none it would mislead.
  if (status !== 'active') return problem('organization_inactive');
  return refusalByAddress(policies, ip);
}

/**
 * What the policies of an organization have against somebody; null when nothing. What signing in again would not change
 * comes first: whoever is asked to sign in again gets in by it.
 */
export function refusalByPolicies(policies: AccessPolicies, { ip, signIn }: Visitor): Problem | null {
  const { signInMethods, sessionLifetimeMinutes } = policies;
  const elsewhere = refusalByAddress(policies, ip);
  if (elsewhere) return elsewhere;
  if (signInMethods && !signIn?.methods.some((name) => allows(signInMethods, name)))
    return problem('sign_in_method_not_allowed');
  if (sessionLifetimeMinutes !== null && !isYounger(signIn?.authTime, sessionLifetimeMinutes * 60))
    return problem('reauthentication_required', {
      // RFC 9470, 3: which sign-in would do.
      headers: {
        'www-authenticate': `Bearer error="insufficient_user_authentication", error_description="A newer sign-in is required", max_age="${sessionLifetimeMinutes * 60}"`,
      },
    });
  return null;
}

function refusalByAddress({ ipAllowList }: AccessPolicies, ip: string | null): Problem | null {
  return ipAllowList && !(ip && rangesOf(ipAllowList).includes(ip)) ? problem('ip_not_allowed') : null;
}

function allows(allowed: readonly SignInMethod[], name: string): boolean {
  const method = METHODS.get(name);
  return method !== undefined && allowed.includes(method);
}

/** @param authTime in seconds since 1970. */
function isYounger(authTime: number | undefined, seconds: number): boolean {
  return authTime !== undefined && Date.now() / 1000 - authTime <= seconds;
}

/** By the array that memory holds: parsed once in its life. */
const parsed = new WeakMap<readonly string[], IpRanges>();

function rangesOf(allowList: readonly string[]): IpRanges {
  let ranges = parsed.get(allowList);
  if (!ranges) parsed.set(allowList, (ranges = new IpRanges(allowList)));
  return ranges;
}
