import { Module } from '@nestjs/common';
import { PurgeRules } from '../database/purge-rules.js';
import { EnvironmentChanges } from './environment-changes.js';
import { EnvironmentsController } from './environments.controller.js';
import { environmentsPurge } from './environments.purge.js';
import { EnvironmentsService } from './environments.service.js';

/** Where a customer's product runs. */
@Module({
  controllers: [EnvironmentsController],
  providers: [EnvironmentsService, EnvironmentChanges],
  exports: [EnvironmentChanges, EnvironmentsService],
})
export class EnvironmentsModule {
  constructor(purge: PurgeRules) {
    purge.add(environmentsPurge);
  }
}
