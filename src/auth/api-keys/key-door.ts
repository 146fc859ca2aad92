import { RequestContext } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import type { ApiKeyAccess } from '../../kernel/api-key-access.js';
import type { ActingRequest } from '../../kernel/authorize.js';
import type { Permission } from '../../kernel/permissions.js';
import { Problem, problem } from '../../kernel/problem.js';
import { LimitsService } from '../../limits/limits.service.js';
import { OrganizationAccess } from '../../organizations/access/organization-access.js';
import { countRefused, credentialOf } from '../credentials.js';
import { KeyAuthorization, type KeyHolder } from './key-authorization.js';
import { looksLikeApiKey } from './key-format.js';
import { KnownKeys } from './known-keys.js';

/** The guard's work for routes that have no guard, since they are too fast for one: they take API keys and nothing else. */
@Injectable()
export class KeyDoor implements ApiKeyAccess {
  constructor(
    private readonly em: EntityManager,
    private readonly limits: LimitsService,
    private readonly keys: KeyAuthorization,
    private readonly known: KnownKeys,
    private readonly access: OrganizationAccess,
  ) {}

  authenticate(request: FastifyRequest, permission: Permission): Actor | Promise<Actor> {
    try {
      const text = credentialOf(request);
      if (!looksLikeApiKey(text)) throw problem('token_invalid', { detail: 'It takes an API key' });
      const origin = { ip: request.ip, userAgent: request.headers['user-agent'] ?? null, requestId: request.id };
      const holder = this.keys.identify(text, origin);
      return holder instanceof Promise
        ? holder.then(
            (found) => this.pass(request, permission, found),
            (error: unknown) => this.refuse(request, error),
          )
        : this.pass(request, permission, holder);
    } catch (error) {
      return this.refuse(request, error);
    }
  }

  holds(keyId: string, organizationId: string, permission: Permission): Promise<boolean> {
    return this.keys.holds(keyId, organizationId, permission);
  }

  onChanged(listener: () => void): void {
    this.known.onChanged(listener);
    this.access.onChanged(listener);
  }

  private pass(request: FastifyRequest, permission: Permission, holder: KeyHolder): Actor | Promise<Actor> {
    const { actor, organization } = holder;
    if (this.keys.isFree(holder, permission)) return actor;
    // The guard's own way, in a context of the ORM: what is refused is remembered in the trail.
    const acting = Object.assign(request, { actor }) as ActingRequest;
    return RequestContext.create(this.em, async () => {
      await this.keys.pass(acting, { public: false, requirement: permission, keyOnly: true }, organization);
      return actor;
    });
  }

  private async refuse(request: FastifyRequest, error: unknown): Promise<never> {
    throw error instanceof Problem && error.status === 401 ? await countRefused(error, this.limits, request.ip) : error;
  }
}
