import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import type { PageQuery } from '../../kernel/lists.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { SecretBox } from '../../kernel/secrets.js';
import { Turns } from '../../kernel/turns.js';
import { denyBeyond } from '../../organizations/roles/granting.js';
import { newSecret } from '../sending/signature.js';
import { TargetRefused, Targets } from '../sending/target.js';
import { inScope } from '../webhook-scope.js';
import { sealOfSecret } from './webhook-secrets.js';
import { type CreateWebhookRequest, DAY, type UpdateWebhookRequest } from './webhooks.dto.js';
import {
  abandonDeliveries,
  countWebhooks,
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  replaceWebhookSecret,
  updateWebhook,
  type WebhookRow,
} from './webhooks.queries.js';

/** Of an organization, and of the platform. */
export const MOST_WEBHOOKS = 20;

/** A webhook, and for this once its secret. */
export interface WebhookWithSecret {
  row: WebhookRow;
  secret: string;
}

/** Where an organization, or the platform, is told of what happens. */
@Injectable()
export class WebhooksService {
  /** One that waits for the lock of its organization has a connection that others need. */
  private readonly turns = new Turns();

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly box: SecretBox,
    private readonly targets: Targets,
  ) {}

  /** Webhooks, the newest first, and how many there are. */
  async list(actor: Actor, { page, perPage }: PageQuery): Promise<[WebhookRow[], number]> {
    return inScope(this.em, actor, (em) =>
      listWebhooks(em, actor.organizationId, { limit: perPage, offset: (page - 1) * perPage }),
    );
  }

  /** One webhook. @throws Problem `not_found`. */
  async get(actor: Actor, id: string): Promise<WebhookRow> {
    return inScope(this.em, actor, (em) => requireWebhook(em, actor, id));
  }

  /**
   * Makes a webhook. It tells what the trail says, so whoever makes one has to be allowed to read that.
   * @throws Problem `permission_denied`; `validation_failed` for an address where nothing may be sent;
   * `external_service_failed` while DNS does not answer; `webhook_limit_reached`.
   */
  async create(actor: Actor, { url, eventTypes, description }: CreateWebhookRequest): Promise<WebhookWithSecret> {
    mayTell(actor);
    await this.checkUrl(url);
    const [id, secret] = [newId(), newSecret()];
    return this.turns.take(actor.organizationId ?? '', () =>
      inScope(this.em, actor, async (em) => {
        if ((await countWebhooks(em, actor.organizationId)) >= MOST_WEBHOOKS) throw problem('webhook_limit_reached');
        await insertWebhook(em, actor.organizationId, {
          id,
          url,
          eventTypes,
          description: description ?? null,
          secret: this.box.encrypt(secret, sealOfSecret(id)),
        });
        const row = await requireWebhook(em, actor, id);
        this.record(actor, 'webhook.created', row, { after: toTrail(row) });
        return { row, secret };
      }),
    );
  }

  /**
   * Changes a webhook.
   * @param version that the caller read; null changes whatever it is by now.
   * @throws Problem as {@link create} does, `not_found` and `precondition_failed`.
   */
  async update(actor: Actor, id: string, change: UpdateWebhookRequest, version: number | null): Promise<WebhookRow> {
    mayTell(actor);
    // Not found comes first, and no transaction waits for DNS.
    await this.get(actor, id);
    if (change.url !== undefined) await this.checkUrl(change.url);
    return inScope(this.em, actor, async (em) => {
      const before = await requireWebhook(em, actor, id, { hold: true });
      if (version !== null && version !== before.version) throw problem('precondition_failed');
      await updateWebhook(em, id, {
        url: change.url ?? before.url,
        description: change.description === undefined ? before.description : change.description,
        eventTypes: change.eventTypes ?? before.event_types,
        enabled: change.enabled ?? before.enabled,
      });
      if (change.enabled === false) await abandonDeliveries(em, id);
      const row = await requireWebhook(em, actor, id);
      const [was, is] = [toTrail(before), toTrail(row)];
      if (before.url !== row.url || JSON.stringify(was) !== JSON.stringify(is))
        this.record(actor, 'webhook.updated', row, { before: was, after: is });
      return row;
    });
  }

  /** Removes a webhook with its deliveries. @throws Problem `not_found`. */
  async delete(actor: Actor, id: string): Promise<void> {
    await inScope(this.em, actor, async (em) => {
      const row = await requireWebhook(em, actor, id, { hold: true });
      await deleteWebhook(em, id);
      this.record(actor, 'webhook.deleted', row, { before: toTrail(row) });
    });
  }

  /**
   * Gives a webhook another secret. Requests are signed with the old one as well for a while, and with any older one no
   * more. @throws Problem `permission_denied`, `not_found`.
   */
  async rotateSecret(actor: Actor, id: string, overlapSeconds = DAY): Promise<WebhookWithSecret> {
    mayTell(actor);
    return inScope(this.em, actor, async (em) => {
      await requireWebhook(em, actor, id, { hold: true });
      const secret = newSecret();
      await replaceWebhookSecret(em, id, this.box.encrypt(secret, sealOfSecret(id)), overlapSeconds);
      const row = await requireWebhook(em, actor, id);
      const { previous_secret_expires_at: previousSecretExpiresAt } = row;
      this.record(actor, 'webhook.secret_rotated', row, { after: { host: hostOf(row), previousSecretExpiresAt } });
      return { row, secret };
    });
  }

  private async checkUrl(url: string): Promise<void> {
    try {
      await this.targets.find(url);
    } catch (error) {
      if (error instanceof TargetRefused) throw invalidField('url', 'url_refused', error.message);
      throw error;
    }
  }

  private record(
    actor: Actor,
    action: string,
    { id }: WebhookRow,
    change: { before?: AuditData; after?: AuditData },
  ): void {
    this.audit.record(actor, action, { userId: null, target: { type: 'webhook', id }, ...change });
  }
}

/** @throws Problem `not_found`. */
export async function requireWebhook(
  em: EntityManager,
  actor: Actor,
  id: string,
  options?: { hold: boolean },
): Promise<WebhookRow> {
  const row = await findWebhook(em, actor.organizationId, id, options);
  if (!row) throw problem('not_found');
  return row;
}

/** The host: path and query of an address may be what its receiver knows it by. */
export function hostOf({ url }: { url: string }): string {
  return new URL(url).host;
}

/** Events say what the trail does; a role that may not read that must not have it sent either. */
function mayTell(actor: Actor): void {
  if (actor.organizationId !== null) denyBeyond(actor, ['audit:read']);
}

function toTrail(row: WebhookRow): AuditData {
  const { description, event_types: eventTypes, enabled } = row;
  return { host: hostOf(row), description, eventTypes, enabled };
}
