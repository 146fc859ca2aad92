import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { MailDelivery } from './mail-delivery.js';
import { MailHealth } from './mail-health.js';
import { MailService } from './mail.service.js';
import { MailsController } from './mails.controller.js';
import { MailsQueries } from './mails.queries.js';

/** Mails: what they say, how they are sent, and what became of them. */
@Global()
@Module({
  controllers: [MailsController],
  providers: [MailService, MailDelivery, MailHealth, MailsQueries],
  exports: [MailService, MailHealth],
})
export class MailModule implements OnApplicationShutdown {
  constructor(private readonly delivery: MailDelivery) {}

  /** After the jobs have ended: they were the last to send. */
  onApplicationShutdown(): void {
    this.delivery.close();
  }
}
