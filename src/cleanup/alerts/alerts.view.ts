import { ApiProperty } from '@nestjs/swagger';
import { CursorMeta, type CursorPage } from '../../kernel/lists.js';
import type { CleanupTrouble } from '../../mail/templates/cleanup-alert.js';
import type { AlertRow } from './alerts.queries.js';

const KINDS = ['failed', 'growing', 'missed', 'late'] as const satisfies readonly CleanupTrouble['kind'][];

/** Trouble of the cleanup that was told. */
export class AlertView {
  /** Id. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  id!: string;
  /** `failed`: a run gave it up; `growing`: more and more of it waits; `missed`: its slot is due and has no run; `late`: it ran late. */
  @ApiProperty({ enum: KINDS, example: 'growing' })
  kind!: CleanupTrouble['kind'];
  /**
   * Of `missed` and `late` the task, else the type.
   * @example session
   */
  about!: string;
  /**
   * When it was told.
   * @example 2026-11-28T08:00:00.000Z
   */
  raisedAt!: string;
  /** When it was no longer so; null while it is. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  clearedAt!: string | null;
}

/** One page of alerts: what is open first, then what is over; of both the newest first. */
export class AlertPage implements CursorPage<AlertView> {
  /** The alerts. */
  @ApiProperty({ type: [AlertView] })
  data!: AlertView[];
  /** Whether and where the list goes on. */
  @ApiProperty({ type: CursorMeta })
  meta!: CursorMeta;
}

export function toAlertView({ id, cause, raised_at: raisedAt, cleared_at: clearedAt }: AlertRow): AlertView {
  const [kind, ...about] = cause.split(' ');
  return {
    id,
    kind: kind as CleanupTrouble['kind'],
    about: about.join(' '),
    raisedAt: new Date(raisedAt).toISOString(),
    clearedAt: clearedAt === null ? null : new Date(clearedAt).toISOString(),
  };
}
