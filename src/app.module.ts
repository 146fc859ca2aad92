import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { Env, type SecretKey } from '../config/env.js';
import { AdminModule } from './admin/admin.module.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthGuard } from './auth/auth.guard.js';
import { Denials } from './auth/denials.js';
import { AuthModule } from './auth/auth.module.js';
import { CleanupModule } from './cleanup/cleanup.module.js';
import { DatabaseModule } from './database/database.module.js';
import { EnvironmentsModule } from './environments/environments.module.js';
import { entities } from './entities.js';
import { FeaturesModule } from './features/features.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { ProblemFilter } from './kernel/problem.filter.js';
import { KernelModule } from './kernel/kernel.module.js';
import { librarySchemas } from './library-schemas.js';
import { LimitsGuard } from './limits/limits.guard.js';
import { LimitsModule } from './limits/limits.module.js';
import { MailModule } from './mail/mail.module.js';
import { OrganizationsModule } from './organizations/organizations.module.js';
import { PurgeModule } from './purge/purge.module.js';
import { UsersModule } from './users/users.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The list of rooms, from the ground up. */
@Module({})
export class AppModule {
  static forRoot(env: Env, keys: readonly SecretKey[]): DynamicModule {
    return {
      module: AppModule,
      imports: [
        KernelModule.forRoot(env, keys),
        DatabaseModule.forRoot(env, entities, librarySchemas),
        JobsModule,
        AuditModule,
        MailModule,
        LimitsModule,
        EnvironmentsModule,
        UsersModule,
        OrganizationsModule,
        FeaturesModule,
        AuthModule,
        CleanupModule,
        WebhooksModule,
        PurgeModule,
        AdminModule,
      ],
      // In this order: who asks, then how often.
      providers: [
        { provide: APP_GUARD, useExisting: AuthGuard },
        { provide: APP_GUARD, useExisting: LimitsGuard },
        {
          provide: APP_FILTER,
          inject: [Denials],
          useFactory: (denials: Denials) =>
            new ProblemFilter(env, (refusal, request) => denials.before(refusal, request)),
        },
      ],
    };
  }
}
