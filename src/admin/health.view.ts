import { ApiProperty } from '@nestjs/swagger';
import type { ComponentReport } from '../kernel/readiness.js';

/** Whether Tenon can serve requests. */
export class HealthView {
  /** `healthy` or `unhealthy`. */
  @ApiProperty({ enum: ['healthy', 'unhealthy'], example: 'healthy' })
  status!: 'healthy' | 'unhealthy';
  /**
   * When this was answered.
   * @example 2026-11-21T08:00:00.000Z
   */
  timestamp!: string;
  /**
   * Version of the server.
   * @example 0.1.0
   */
  version!: string;
}

/** The process runs. */
export class LiveView {
  /** Always `alive`. */
  @ApiProperty({ enum: ['alive'], example: 'alive' })
  status!: 'alive';
}

/** Whether requests may be sent here, and why not. */
export class ReadyView {
  /**
   * Whether every start step is done and no dependency is down.
   * @example true
   */
  ready!: boolean;
  /** The step of the start that is still to be done; null when there is none. */
  @ApiProperty({ type: String, nullable: true, example: null })
  waitingFor!: string | null;
  /** State of each dependency: `up`, `degraded` (works with less) or `down`. */
  @ApiProperty({
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: { state: { type: 'string', enum: ['up', 'degraded', 'down'] }, detail: { type: 'string' } },
      required: ['state'],
    },
    example: { database: { state: 'up' }, changes: { state: 'up' } },
  })
  dependencies!: Record<string, ComponentReport>;
}

/** What answers at `/`. */
export class RootView {
  /**
   * What this is.
   * @example tenon
   */
  name!: string;
  /**
   * Version of the server.
   * @example 0.1.0
   */
  version!: string;
  /** Where Swagger UI is.
   * @example http://127.0.0.1:3000/docs
   */
  docs!: string;
  /** Where health is.
   * @example http://127.0.0.1:3000/health
   */
  health!: string;
}
