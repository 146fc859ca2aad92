import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';

/** Removes a plan in a system transaction, by `work`. */
export type RemovePlan = (actor: Actor, key: string, work: (em: EntityManager) => Promise<void>) => Promise<void>;

/**
 * How plans are removed. What they give of features is known above this room, by the one who calls {@link provide}: it
 * goes with them in the same transaction, which also tells of it.
 */
@Injectable()
export class PlanRemoval {
  private remove: RemovePlan = (_actor, _key, work) => asSystem(this.em, work);

  constructor(private readonly em: EntityManager) {}

  provide(remove: RemovePlan): void {
    this.remove = remove;
  }

  run(actor: Actor, key: string, work: (em: EntityManager) => Promise<void>): Promise<void> {
    return this.remove(actor, key, work);
  }
}
