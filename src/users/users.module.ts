import { Module } from '@nestjs/common';
import { AdminUsersController } from './admin-users.controller.js';
import { MeController } from './me.controller.js';
import { UserEvents } from './user-events.js';
import { UsersService } from './users.service.js';

/** People. */
@Module({
  controllers: [MeController, AdminUsersController],
  providers: [UsersService, UserEvents],
  exports: [UserEvents],
})
export class UsersModule {}
