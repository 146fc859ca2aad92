import { Module } from '@nestjs/common';
import { EnvironmentChanges } from './environment-changes.js';
import { EnvironmentsController } from './environments.controller.js';
import { EnvironmentsService } from './environments.service.js';

/** Where a customer's product runs. */
@Module({
  controllers: [EnvironmentsController],
  providers: [EnvironmentsService, EnvironmentChanges],
  exports: [EnvironmentChanges, EnvironmentsService],
})
export class EnvironmentsModule {}
