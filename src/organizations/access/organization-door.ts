import { BlockList, isIP } from 'node:net';
import { type Problem, problem } from '../../kernel/problem.js';
import type { SignInMethod } from '../policies/organization-policies.entity.js';
import type { AccessPolicies, OrganizationFacts } from './access.queries.js';

/** How a session came to be, as its access token says it. */
export interface SignInFacts {
  ip: string | null;
  /** Seconds since 1970. */
  authTime: number;
  /** Names of RFC 8176, such as `pwd`. */
  methods: readonly string[];
}

/** Which of our methods a name of RFC 8176 stands for. */
const METHODS: Readonly<Record<string, SignInMethod>> = { pwd: 'password', hwk: 'passkey', swk: 'passkey' };

/**
 * What stands between a member and the organization, whatever their role permits.
 * @param keepsSomething whether the role keeps a permission while the organization is not active.
 * @returns null when nothing does.
 */
export function refusalAtDoor(
  { status, policies }: OrganizationFacts,
  signIn: SignInFacts,
  keepsSomething: boolean,
): Problem | null {
  if (status !== 'active' && !keepsSomething)
    // What is deleted is gone for everybody but its owner, who can bring it back.
    return problem(status === 'deleted' ? 'not_found' : 'organization_inactive');
  return refusalByPolicies(policies, signIn);
}

/**
 * What the policies of an organization have against a sign-in; null when nothing. In the order in which a person can do
 * something about it last.
 */
export function refusalByPolicies(policies: AccessPolicies, { ip, authTime, methods }: SignInFacts): Problem | null {
  const { ipAllowList, signInMethods, sessionLifetimeMinutes } = policies;
  if (ipAllowList && !(ip && listOf(ipAllowList).check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')))
    return problem('ip_not_allowed');
  if (signInMethods && !methods.some((method) => signInMethods.some((allowed) => allowed === METHODS[method])))
    return problem('sign_in_method_not_allowed');
  if (sessionLifetimeMinutes !== null && Date.now() / 1000 - authTime > sessionLifetimeMinutes * 60)
    return problem('reauthentication_required', {
      // RFC 9470: which sign-in would do.
      headers: {
        'www-authenticate': `Bearer error="insufficient_user_authentication", max_age=${sessionLifetimeMinutes * 60}`,
      },
    });
  return null;
}

/** By the array that the cache holds: parsed once in its life. */
const parsed = new WeakMap<readonly string[], BlockList>();

function listOf(ranges: readonly string[]): BlockList {
  let list = parsed.get(ranges);
  if (!list) {
    parsed.set(ranges, (list = new BlockList()));
    for (const range of ranges) {
      const [address, prefix] = range.split('/') as [string, string];
      list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
    }
  }
  return list;
}
