import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';

/** Runs a change of one environment in a system transaction. */
export type EnvironmentChange = <T>(key: string, work: (em: EntityManager) => Promise<T>) => Promise<T>;

/**
 * How environments are changed. What is kept in memory of each is known above this room, by the one who calls
 * {@link provide}: it makes the change in a transaction that also tells of it.
 */
@Injectable()
export class EnvironmentChanges {
  private run: EnvironmentChange = (_key, work) => asSystem(this.em, work);

  constructor(private readonly em: EntityManager) {}

  provide(run: EnvironmentChange): void {
    this.run = run;
  }

  change<T>(key: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.run(key, work);
  }
}
