import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { RootController } from './root.controller.js';

/** What operators look at. */
@Module({ controllers: [RootController, HealthController] })
export class AdminModule {}
