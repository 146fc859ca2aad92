import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';

/** Runs a change of one environment in a system transaction. */
export type EnvironmentChange = <T>(key: string, work: (em: EntityManager) => Promise<T>) => Promise<T>;

/** Somebody above who has to do with what an environment takes with it; runs in the transaction that removes it. */
export type EnvironmentRemoval = (em: EntityManager, actor: Actor, key: string) => Promise<void>;

/**
 * How environments are changed. What is kept in memory of each is known above this room, by the one who calls
 * {@link provide}: it makes the change in a transaction that also tells of it.
 */
@Injectable()
export class EnvironmentChanges {
  private run: EnvironmentChange = (_key, work) => asSystem(this.em, work);

  private readonly removals: EnvironmentRemoval[] = [];

  constructor(private readonly em: EntityManager) {}

  provide(run: EnvironmentChange): void {
    this.run = run;
  }

  /** Adds somebody who is asked before an environment is removed. */
  onRemoving(removal: EnvironmentRemoval): void {
    this.removals.push(removal);
  }

  /** Tells those that an environment is about to be removed. */
  async removing(em: EntityManager, actor: Actor, key: string): Promise<void> {
    for (const removal of this.removals) await removal(em, actor, key);
  }

  change<T>(key: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.run(key, work);
  }
}
