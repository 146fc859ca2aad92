import { type DynamicModule, Module } from '@nestjs/common';
import { Env, type SecretKey } from '../config/env.js';
import { AdminModule } from './admin/admin.module.js';
import { AuditModule } from './audit/audit.module.js';
import { DatabaseModule } from './database/database.module.js';
import { entities } from './entities.js';
import { KernelModule } from './kernel/kernel.module.js';
import { librarySchemas } from './library-schemas.js';

/** The list of rooms, from the ground up. */
@Module({})
export class AppModule {
  static forRoot(env: Env, keys: readonly SecretKey[]): DynamicModule {
    return {
      module: AppModule,
      imports: [KernelModule.forRoot(env, keys), DatabaseModule.forRoot(env, entities, librarySchemas), AuditModule, AdminModule],
    };
  }
}
