import { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { AuditNames } from '../audit/audit-names.js';
import { AdminUsersController } from './admin-users.controller.js';
import { MeController } from './me.controller.js';
import { readNames } from './names.queries.js';
import { UserEvents } from './user-events.js';
import { UsersService } from './users.service.js';

/** People. */
@Module({
  controllers: [MeController, AdminUsersController],
  providers: [UsersService, UserEvents],
  exports: [UserEvents],
})
export class UsersModule {
  constructor(names: AuditNames, em: EntityManager) {
    names.provide((ids) => readNames(em, ids));
  }
}
