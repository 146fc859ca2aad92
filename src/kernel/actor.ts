import type { Permission } from './permissions.js';

export type ActorKind = 'anonymous' | 'user' | 'system';

/** Where a request came from, as it stands on every audit entry. */
export interface Origin {
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
}

/** How a session came to be, as its access token says it. */
export interface SignIn {
  /** Seconds since 1970. */
  readonly authTime: number;
  /** Names of RFC 8176, such as `pwd`. */
  readonly methods: readonly string[];
}

/**
 * Who acts. The first argument of everything that a request may call, so that neither permission nor trail can be
 * forgotten on the way.
 */
export class Actor implements Origin {
  readonly kind!: ActorKind;
  /** The person; null for anonymous and system. */
  readonly userId!: string | null;
  readonly sessionId!: string | null;
  /** How that session began; null where there is none. */
  readonly signIn!: SignIn | null;
  /** The tenant that this request is about; null outside any. */
  readonly organizationId!: string | null;
  readonly platformRole!: 'admin' | null;
  /** Their role in that tenant: a base role, a custom one, or `platform-admin`; null outside any. */
  readonly role!: string | null;
  /** What they may do in that tenant. */
  readonly permissions!: ReadonlySet<Permission>;
  /** The platform admin who acts as {@link userId}, if somebody does. */
  readonly impersonatorId!: string | null;
  /** What the system actor is doing: `cleanup`, `import`, …; null for people. */
  readonly name!: string | null;
  readonly ip!: string | null;
  readonly userAgent!: string | null;
  readonly requestId!: string | null;

  private constructor(fields: Partial<Actor> & { kind: ActorKind }) {
    Object.assign(this, {
      userId: null,
      sessionId: null,
      signIn: null,
      organizationId: null,
      platformRole: null,
      role: null,
      permissions: NO_PERMISSIONS,
      impersonatorId: null,
      name: null,
      ip: null,
      userAgent: null,
      requestId: null,
      ...fields,
    });
  }

  /** Somebody who has not shown who they are. */
  static anonymous(origin: Origin): Actor {
    return new Actor({ kind: 'anonymous', ...pick(origin) });
  }

  /** A signed-in person. */
  static user(
    origin: Origin,
    who: { userId: string; sessionId: string | null; signIn?: SignIn; platformRole?: 'admin' | null },
  ): Actor {
    return new Actor({ kind: 'user', ...pick(origin), ...who });
  }

  /** The same person, in a tenant. */
  within(organizationId: string, role: string, permissions: ReadonlySet<Permission>): Actor {
    const platformRole = role === PLATFORM_ADMIN ? 'admin' : this.platformRole;
    return new Actor({ ...this, organizationId, role, permissions, platformRole });
  }

  /**
   * The tenant's id where a route names one.
   * @throws Error when it does not.
   */
  get requiredOrganizationId(): string {
    if (this.organizationId === null) throw new Error('This needs a tenant; the route has to name it');
    return this.organizationId;
  }

  /** Tenon itself: a job, a schedule, a command. `name` says which. */
  static system(name: string): Actor {
    return new Actor({ kind: 'system', name });
  }

  /**
   * The person's id where a route requires one.
   * @throws Error when nobody is signed in: a route let an anonymous caller through.
   */
  get requiredUserId(): string {
    if (this.userId === null) throw new Error('This needs a signed-in person; the route has to say so');
    return this.userId;
  }
}

/** The role that a platform admin has in every organization; no custom role can have this key. */
export const PLATFORM_ADMIN = 'platform-admin';

const NO_PERMISSIONS: ReadonlySet<Permission> = new Set();

function pick({ ip, userAgent, requestId }: Origin): Origin {
  return { ip, userAgent, requestId };
}
