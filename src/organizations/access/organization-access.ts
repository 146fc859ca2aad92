import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ChangeBus, type ChangeListener } from '../../database/change-bus.js';
import { asSystem } from '../../database/tenant-context.js';
import { type Permission, permissionsOf, permissionsWhileInactive } from '../../kernel/permissions.js';
import { UserEvents } from '../../users/user-events.js';
import { type MemberFacts, type OrganizationFacts, readMember, readRole } from './access.queries.js';

/** About 0.7 KiB each without its members. */
const ORGANIZATIONS = 10_000;
/** In all of them together; about 150 B each. */
const MEMBERS = 100_000;

/** What a member may do in an organization. */
export interface MemberAccess {
  organization: OrganizationFacts;
  /** A base role, or the key of one of the organization's own. */
  role: string;
  permissions: ReadonlySet<Permission>;
}

/** An organization in memory, with those of its members who are, too: they are known as long as it is, and no longer. */
interface KnownOrganization {
  readonly facts: OrganizationFacts;
  /** By the id of the person, or by the name of a role. */
  readonly members: Map<string, MemberAccess>;
}

/** Reads facts, in a system transaction. */
type Read = (em: EntityManager) => Promise<MemberFacts | null>;

/** A read of the database that is under way. */
interface Load {
  organizationId: string;
  access: Promise<MemberAccess | null>;
}

/**
 * Who may do what in which organization. Answered from memory, which every instance keeps right by the change bus; while
 * the bus is down, by the database. Who is no member is always looked up: strangers must not fill the memory.
 */
@Injectable()
export class OrganizationAccess implements ChangeListener, OnModuleInit {
  readonly topic = 'organizations';
  /** One with more members than all may have begins anew. */
  private readonly organizations = new LRUCache<string, KnownOrganization>({
    max: ORGANIZATIONS,
    maxSize: MEMBERS,
    sizeCalculation: ({ members }) => members.size,
  });
  private readonly loads = new Map<string, Load>();
  private readonly listeners: ((organizationIds: readonly string[]) => void)[] = [];
  private readonly own: EntityManager;

  constructor(
    private readonly em: EntityManager,
    private readonly bus: ChangeBus,
    private readonly events: UserEvents,
  ) {
    this.own = em.fork({ disableContextResolution: true });
    bus.listen(this);
  }

  /** Who is disabled is no member to anybody who asks, from the same commit on. */
  onModuleInit(): void {
    this.events.onDisabled(async (em, _actor, { id }) => {
      const left = await em.execute<{ organization_id: string }[]>(
        'select organization_id from user_organization_membership where user_id = ?',
        [id],
      );
      await this.announce(em, ...left.map(({ organization_id }) => organization_id));
    });
  }

  /**
   * What somebody may do in an organization: at once from memory, else a promise from the database; null when they are
   * no member, or there is no such organization.
   */
  of(organizationId: string, userId: string): MemberAccess | Promise<MemberAccess | null> {
    return this.find(organizationId, userId, (em) => readMember(em, organizationId, userId));
  }

  /** The same of who has a role there without being a member, such as a service account; null without an organization. */
  ofRole(organizationId: string, role: string): MemberAccess | Promise<MemberAccess | null> {
    return this.find(organizationId, `role ${role}`, (em) => readRole(em, organizationId, role));
  }

  /**
   * Changes in the caller's tenant what this keeps in memory: members, roles, policies, the organization itself. Every
   * instance hears of it with the commit, this one when it resolves.
   * @param work runs in one transaction of the request's EntityManager.
   */
  async change<T>(organizationId: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.em.transactional(async (em) => {
      const done = await work(em);
      await this.announce(em, organizationId);
      return done;
    });
    this.changed([organizationId]);
    return result;
  }

  /** Announces a change from within a transaction of somebody else, such as a system one. */
  announce(em: EntityManager, ...organizationIds: string[]): Promise<void> {
    return this.bus.announce(em, this.topic, organizationIds);
  }

  /** Adds somebody above who keeps more of an organization in memory, and has to forget it at the same moment. */
  onChanged(listener: (organizationIds: readonly string[]) => void): void {
    this.listeners.push(listener);
  }

  /** Forgets organizations and everybody in them. */
  changed(organizationIds: string[]): void {
    for (const listener of this.listeners) listener(organizationIds);
    for (const id of organizationIds) this.organizations.delete(id);
    // What is being read may have been read before the change.
    for (const [key, { organizationId }] of this.loads)
      if (organizationIds.includes(organizationId)) this.loads.delete(key);
  }

  async catchUp(): Promise<void> {
    this.organizations.clear();
    this.loads.clear();
  }

  private find(organizationId: string, who: string, read: Read): MemberAccess | Promise<MemberAccess | null> {
    if (!this.bus.up) return this.read(read);
    return this.organizations.get(organizationId)?.members.get(who) ?? this.load(organizationId, who, read);
  }

  private load(organizationId: string, who: string, read: Read): Promise<MemberAccess | null> {
    const key = `${organizationId}/${who}`;
    const running = this.loads.get(key);
    if (running) return running.access;
    const load: Load = { organizationId, access: this.read(read) };
    this.loads.set(key, load);
    const finish = (access: MemberAccess | null): void => {
      if (this.loads.get(key) !== load) return;
      this.loads.delete(key);
      if (access) this.remember(organizationId, who, access);
    };
    load.access.then(finish, () => finish(null));
    return load.access;
  }

  private remember(organizationId: string, who: string, access: MemberAccess): void {
    // The facts of whoever came first are everybody's.
    const { facts, members } = this.organizations.get(organizationId) ?? {
      facts: access.organization,
      members: new Map<string, MemberAccess>(),
    };
    const { role, organization } = access;
    const held = organization.customRoles.get(role);
    if (held && !facts.customRoles.has(role)) facts.customRoles.set(role, held);
    members.set(who, organization === facts ? access : toAccess({ organization: facts, role }));
    // Another object each time, else the cache would not look at its size again.
    this.organizations.set(organizationId, { facts, members });
  }

  private async read(read: Read): Promise<MemberAccess | null> {
    const found = await asSystem(this.own, read);
    return found && toAccess(found);
  }
}

function toAccess({ organization, role }: MemberFacts): MemberAccess {
  const permissions =
    organization.status === 'active' ? permissionsOf(role, organization.customRoles) : permissionsWhileInactive(role);
  return { organization, role, permissions };
}
