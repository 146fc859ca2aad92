import { Module } from '@nestjs/common';
import { CleanupAnalyticsController } from './analytics.controller.js';
import { AnalyticsService } from './analytics.service.js';

/** What the cleanup did, and what it will have to do. */
@Module({ controllers: [CleanupAnalyticsController], providers: [AnalyticsService] })
export class CleanupAnalyticsModule {}
