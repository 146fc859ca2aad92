import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../kernel/actor.js';
import type { User } from './user.entity.js';

/** Runs in the transaction of the change, as system. */
export type UserListener = (em: EntityManager, actor: Actor, user: User) => Promise<void>;

/** What rooms above have to do when a person changes, in the same transaction: sessions end, keys stop. */
@Injectable()
export class UserEvents {
  private readonly onDisabledListeners: UserListener[] = [];

  onDisabled(listener: UserListener): void {
    this.onDisabledListeners.push(listener);
  }

  async disabled(em: EntityManager, actor: Actor, user: User): Promise<void> {
    for (const listener of this.onDisabledListeners) await listener(em, actor, user);
  }
}
