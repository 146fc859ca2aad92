import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';
import { problem } from '../kernel/problem.js';
import { ListUsersQuery, UpdateMeRequest, UpdateUserRequest, USER_SORTS } from './users.dto.js';
import { type Profile, readOwnProfile } from './profile.queries.js';
import { User } from './user.entity.js';
import { UserEvents } from './user-events.js';
import { readSort } from '../kernel/lists.js';

@Injectable()
export class UsersService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly events: UserEvents,
  ) {}

  /** The caller's own profile. @throws Problem `not_found` when the account was deleted meanwhile. */
  async me(actor: Actor): Promise<Profile> {
    const profile = await readOwnProfile(this.em, actor.requiredUserId);
    if (!profile) throw problem('not_found');
    return profile;
  }

  /** Changes the caller's own profile. What is left out stays, null clears. */
  async updateMe(actor: Actor, changes: UpdateMeRequest): Promise<User> {
    const me = await this.em.findOne(User, { id: actor.requiredUserId });
    if (!me) throw problem('not_found');
    const fields = Object.keys(changes) as (keyof UpdateMeRequest)[];
    const changed = fields.filter((field) => changes[field] !== undefined && changes[field] !== (me[field] ?? null));
    if (changed.length === 0) return me;
    const after = Object.fromEntries(changed.map((field) => [field, changes[field]]));
    this.audit.record(actor, 'user.updated', {
      target: { type: 'user', id: me.id },
      before: Object.fromEntries(changed.map((field) => [field, me[field] ?? null])),
      after,
    });
    Object.assign(me, after);
    await this.em.flush();
    return me;
  }

  /** People, by page. */
  async list(query: ListUsersQuery): Promise<[User[], number]> {
    const { field, direction } = readSort(query.sort, USER_SORTS, { field: 'createdAt', direction: 'desc' });
    return asSystem(this.em, (em) =>
      em.findAndCount(
        User,
        {
          ...(query.status && { status: query.status }),
          ...(query.q && {
            $or: [{ email: { $ilike: contains(query.q) } }, { fullName: { $ilike: contains(query.q) } }],
          }),
        },
        {
          orderBy: [{ [field]: direction }, { id: direction }],
          limit: query.perPage,
          offset: (query.page - 1) * query.perPage,
        },
      ),
    );
  }

  /** One person. @throws Problem `not_found`. */
  async get(id: string): Promise<User> {
    return asSystem(this.em, (em) => find(em, id));
  }

  /**
   * Enables or disables a person. A disabled one is out within a second, in the same transaction.
   * @throws Problem `not_found`; `last_admin` when no active platform admin would be left.
   */
  async update(actor: Actor, id: string, { status }: UpdateUserRequest): Promise<User> {
    return asSystem(this.em, async (em) => {
      // The admins' rows before the person's: of two admins at once each would hold what the other waits for.
      const isLast = status === 'disabled' && (await isLastAdmin(em, id));
      const user = await find(em, id, LockMode.PESSIMISTIC_WRITE);
      if (user.status === 'deleted') throw problem('not_found');
      if (user.status === status) return user;
      if (isLast && user.platformRole === 'admin') throw problem('last_admin');
      this.audit.record(actor, `user.${status === 'disabled' ? 'disabled' : 'enabled'}`, {
        userId: user.id,
        target: { type: 'user', id: user.id },
        before: { status: user.status },
        after: { status },
      });
      user.status = status;
      await em.flush();
      if (status === 'disabled') await this.events.disabled(em, actor, user);
      return user;
    });
  }
}

/** Whether nobody else could administer the platform. Locks the admins' rows: of two at once one stays. */
export async function isLastAdmin(em: EntityManager, userId: string): Promise<boolean> {
  // Compared by the database: the id may come from an address, in upper case.
  const admins = await em.execute<{ asked: boolean }[]>(
    `select id = ? as asked from users where platform_role = 'admin' and status = 'active' order by id for update`,
    [userId],
  );
  return admins.every(({ asked }) => asked);
}

async function find(em: EntityManager, id: string, lockMode?: LockMode): Promise<User> {
  const user = await em.findOne(User, { id }, { lockMode });
  if (!user) throw problem('not_found');
  return user;
}

/** A pattern that finds `text` anywhere, with LIKE's own signs taken literally. */
function contains(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
