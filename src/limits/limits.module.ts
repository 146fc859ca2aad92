import { EntityManager } from '@mikro-orm/postgresql';
import { Global, Module } from '@nestjs/common';
import { ThrottlerStorage } from '@nestjs/throttler';
import { PurgeRules } from '../database/purge-rules.js';
import { SecretBox } from '../kernel/secrets.js';
import { LimitsGuard } from './limits.guard.js';
import { limitsPurge } from './limits.purge.js';
import { LimitsService } from './limits.service.js';
import { PostgresLimitStorage } from './postgres-limit-storage.js';

/** Rate limits, shared by all instances. The guard is registered in `app.module.ts`, after the one that says who asks. */
@Global()
@Module({
  providers: [
    {
      provide: ThrottlerStorage,
      inject: [EntityManager, SecretBox],
      useFactory: (em: EntityManager, secrets: SecretBox) =>
        new PostgresLimitStorage(() => em.getConnection().getNativeClient(), secrets.derive('rate limits')),
    },
    LimitsService,
    LimitsGuard,
  ],
  exports: [LimitsService, LimitsGuard],
})
export class LimitsModule {
  constructor(purge: PurgeRules) {
    purge.add(limitsPurge);
  }
}
