/**
 * Whom a limit counts: the signed-in account, the address it comes from, the mailbox that a mail would go to, or the API
 * key that was shown.
 */
export type LimitedBy = 'account' | 'ip' | 'recipient' | 'key';

/** At most `requests` within `seconds`, for each subject. */
interface Quota {
  requests: number;
  seconds: number;
  /** Counts every route by itself; otherwise all routes of the kind share one count. */
  perRoute?: true;
}

interface Kind extends Partial<Record<LimitedBy, Quota>> {
  account: Quota;
  ip: Quota;
  /** What happens while nothing can be counted. */
  whenDown: 'pass' | 'refuse';
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/**
 * The five kinds. By address is always the looser one: a company may sit behind one address (NAT), and its people must
 * not wait for each other.
 */
export const limits = {
  // Whatever says nothing else. Ten a second is more than a person's browser asks for. A route that needs the database
  // answers 503 itself while that is down, and one that does not should go on.
  api: {
    account: { requests: 600, seconds: MINUTE },
    ip: { requests: 1_200, seconds: MINUTE },
    // Instead of both: a key is a program's, and many servers of one customer show the same one.
    key: { requests: 6_000, seconds: MINUTE },
    whenDown: 'pass',
  },
  // Passwords, tokens, links. Guessing one account's password is the lockout's affair (10 failures); this bounds what
  // one address can make us hash: 10 a second are a sixth of a core with Argon2id at 16 ms. An office of 500 people
  // that signs in within one minute fits. Twenty mails an hour and template are a nuisance and no flood; the newest of
  // them still works, so that an attacker who uses them up locks nobody out.
  auth: {
    account: { requests: 600, seconds: MINUTE },
    ip: { requests: 600, seconds: MINUTE },
    recipient: { requests: 20, seconds: HOUR, perRoute: true },
    whenDown: 'refuse',
  },
  // A file every two seconds: disk and bandwidth, not requests, are what it protects.
  upload: {
    account: { requests: 30, seconds: MINUTE },
    ip: { requests: 120, seconds: MINUTE },
    whenDown: 'refuse',
  },
  // Each call may cost money at a provider, and trying stolen cards needs many.
  payment: {
    account: { requests: 20, seconds: MINUTE },
    ip: { requests: 60, seconds: MINUTE },
    whenDown: 'refuse',
  },
  // What a person does rarely and a mistake makes dear: exports, purges, administrators' requests.
  strict: {
    account: { requests: 5, seconds: 15 * MINUTE },
    ip: { requests: 20, seconds: 15 * MINUTE },
    recipient: { requests: 5, seconds: 15 * MINUTE, perRoute: true },
    whenDown: 'refuse',
  },
} as const satisfies Record<string, Kind>;

export type LimitKind = keyof typeof limits;

/** What a route can ask a kind to count by; an API key is counted without being asked for. */
export type LimitedByOf<K extends LimitKind> = Exclude<Extract<keyof (typeof limits)[K], LimitedBy>, 'key'>;

/** A quota under the name that headers and rows carry. */
export interface QuotaPolicy extends Quota {
  /** Such as `auth-ip`. */
  name: string;
  by: LimitedBy;
}

const policies = new Map(
  Object.entries<Kind>(limits).flatMap(([kind, { account, ip, recipient, key }]) =>
    Object.entries({ account, ip, recipient, key })
      .filter((entry): entry is [LimitedBy, Quota] => entry[1] !== undefined)
      .map(([by, quota]): [string, QuotaPolicy] => [`${kind}-${by}`, { ...quota, by, name: `${kind}-${by}` }]),
  ),
);

/** Whether a kind counts by API key where one was shown, instead of by account and address. */
export function countsKeys(kind: LimitKind): boolean {
  return policies.has(`${kind}-key`);
}

/** The quota policy of a kind for one sort of subject. @throws Error when the table has none. */
export function quotaPolicy(kind: LimitKind, by: LimitedBy): QuotaPolicy {
  const policy = policies.get(`${kind}-${by}`);
  if (!policy) throw new Error(`The kind "${kind}" has no limit by ${by}`);
  return policy;
}
