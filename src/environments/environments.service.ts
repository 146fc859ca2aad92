import {
  EntityManager,
  ForeignKeyConstraintViolationException,
  UniqueConstraintViolationException,
} from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import type { Actor } from '../kernel/actor.js';
import type { PageQuery } from '../kernel/lists.js';
import { problem } from '../kernel/problem.js';
import { EnvironmentChanges } from './environment-changes.js';
import { Environment } from './environment.entity.js';
import type { CreateEnvironmentRequest } from './environments.dto.js';

/** The environments of the installation. */
@Injectable()
export class EnvironmentsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: EnvironmentChanges,
  ) {}

  /** The environments, by key. */
  async list({ page, perPage }: PageQuery): Promise<[Environment[], number]> {
    const slice = { limit: perPage, offset: (page - 1) * perPage };
    return this.em.findAndCount(Environment, {}, { orderBy: { key: 'asc' }, ...slice });
  }

  /** @throws Problem `not_found`. */
  async get(key: string): Promise<Environment> {
    const environment = await this.em.findOne(Environment, { key });
    if (!environment) throw problem('not_found');
    return environment;
  }

  /**
   * Makes an environment.
   * @param changes how it is done: by itself, or as part of a larger change.
   * @throws Problem `conflict` when the key is taken.
   */
  async create(
    actor: Actor,
    { key, name = key, description = null }: CreateEnvironmentRequest,
    changes: Pick<EnvironmentChanges, 'change'> = this.changes,
  ): Promise<Environment> {
    try {
      return await changes.change(key, async (em) => {
        const environment = em.create(Environment, { key, name, description, createdAt: new Date() });
        this.audit.record(actor, 'environment.created', {
          target: { type: 'environment', id: key },
          after: { name, description },
        });
        await em.flush();
        return environment;
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw problem('conflict', { detail: `There is an environment "${key}" already`, cause: error });
    }
  }

  /**
   * Removes an environment, and with it what features are there.
   * @throws Problem `not_found`; `environment_in_use` while API keys are for it; `conflict` for the last one.
   */
  async remove(actor: Actor, key: string): Promise<void> {
    try {
      await this.changes.change(key, async (em) => {
        // All of them, and in one order: of the last two that are removed at once one stays.
        const held = await em.execute<{ key: string }[]>('select key from environments order by key for update');
        if (!held.some((one) => one.key === key)) throw problem('not_found');
        if (held.length === 1) throw problem('conflict', { detail: 'The last environment stays' });
        const environment = await em.findOneOrFail(Environment, { key });
        this.audit.record(actor, 'environment.deleted', {
          target: { type: 'environment', id: key },
          before: { name: environment.name, description: environment.description ?? null },
        });
        await this.changes.removing(em, actor, key);
        await em.remove(environment).flush();
      });
    } catch (error) {
      if (!(error instanceof ForeignKeyConstraintViolationException)) throw error;
      throw problem('environment_in_use', { detail: usedBy(error, key), cause: error });
    }
  }
}

/** What keeps an environment, and how it lets go. */
function usedBy(error: ForeignKeyConstraintViolationException, key: string): string {
  const { constraint } = error as { constraint?: string };
  return constraint === 'api_keys_environment_key_foreign'
    ? `API keys are for ${key}: revoke them first`
    : `The policy of ${key} asks for approvals or reasons: let it ask for neither first`;
}
