import { EntityManager } from '@mikro-orm/postgresql';
import { type BeforeApplicationShutdown, Logger, Module } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { PurgeRules } from '../database/purge-rules.js';
import { Schedules } from '../jobs/schedules.js';
import { Readiness } from '../kernel/readiness.js';
import { SecretBox } from '../kernel/secrets.js';
import { DeliveriesController } from './deliveries/deliveries.controller.js';
import { DeliveriesService } from './deliveries/deliveries.service.js';
import { OrganizationDeliveriesController } from './deliveries/organization-deliveries.controller.js';
import { OrganizationWebhooksController } from './endpoints/organization-webhooks.controller.js';
import { requireSecretKeys } from './endpoints/webhook-secrets.js';
import { WebhooksController } from './endpoints/webhooks.controller.js';
import { WebhooksService } from './endpoints/webhooks.service.js';
import { Dispatcher } from './sending/dispatcher.js';
import { Sender } from './sending/sender.js';
import { Settlements } from './sending/settlements.js';
import { Targets } from './sending/target.js';
import { webhooksSchedule } from './webhooks.cleanup.js';
import { webhooksPurge } from './webhooks.purge.js';

/** Telling other programs what the trail says, as Standard Webhooks has it. */
@Module({
  controllers: [
    WebhooksController,
    DeliveriesController,
    OrganizationWebhooksController,
    OrganizationDeliveriesController,
  ],
  providers: [WebhooksService, DeliveriesService, Targets, Settlements, Sender, Dispatcher],
})
export class WebhooksModule implements BeforeApplicationShutdown {
  constructor(
    private readonly dispatcher: Dispatcher,
    schedules: Schedules,
    purge: PurgeRules,
    em: EntityManager,
    box: SecretBox,
    readiness: Readiness,
    env: Env,
  ) {
    purge.add(webhooksPurge);
    schedules.register(webhooksSchedule(em, box));
    readiness.addStep({ name: 'webhook secrets', run: () => requireSecretKeys(em, box) });
    if (env.production && env.webhookTargets === 'any')
      new Logger('webhooks').warn('WEBHOOK_TARGETS=any: whoever makes a webhook has requests sent into this network');
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.dispatcher.stop();
  }
}
