import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../database/policies.js';

export const SCHEDULE_STATUSES = ['running', 'completed', 'failed'] as const;
export type ScheduleStatus = (typeof SCHEDULE_STATUSES)[number];

const ScheduleSettingsSchema = defineEntity({
  name: 'ScheduleSettings',
  tableName: 'schedule_settings',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    id: p.text().primary(),
    schedule: p.text().nullable(),
    timezone: p.text().nullable(),
    enabled: p.boolean().nullable(),
    updatedAt: p.datetime(),
  },
});

/** What somebody set of a schedule; null where it is as the product has it. */
export class ScheduleSettings extends ScheduleSettingsSchema.class {}
ScheduleSettingsSchema.setClass(ScheduleSettings);

const ScheduleSlotSchema = defineEntity({
  name: 'ScheduleSlot',
  tableName: 'schedule_slots',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: { scheduleId: p.text().primary(), slot: p.datetime() },
});

/** The slot that a schedule waits for, whatever becomes of its job: one that is past has no run. */
export class ScheduleSlot extends ScheduleSlotSchema.class {}
ScheduleSlotSchema.setClass(ScheduleSlot);

const ScheduleRunSchema = defineEntity({
  name: 'ScheduleRun',
  tableName: 'schedule_runs',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [{ name: 'schedule_runs_status_check', expression: `status in ('running', 'completed', 'failed')` }],
  indexes: [{ properties: ['slot'] }],
  properties: {
    scheduleId: p.text().primary(),
    /** The time that the run stands for; of one that somebody asked for, when they did. */
    slot: p.datetime().primary(),
    status: p.text().$type<ScheduleStatus>(),
    /** How often it began. */
    attempts: p.integer(),
    error: p.text().nullable(),
    /** When it began first. */
    startedAt: p.datetime(),
    finishedAt: p.datetime().nullable(),
  },
});

/** A slot of a schedule, which the fleet runs once. */
export class ScheduleRun extends ScheduleRunSchema.class {}
ScheduleRunSchema.setClass(ScheduleRun);
