import { ApiProperty } from '@nestjs/swagger';
import type { ActorKind } from '../../kernel/actor.js';
import type { Json, JsonObject } from '../../kernel/json.js';
import { CursorMeta } from '../../kernel/lists.js';
import { ANY_VALUE } from '../feature-value.js';
import { type Difference, differencesOf } from './differences.js';
import { CHANGE_KINDS, type ChangeKind, type FeatureChangeLog } from './feature-change-log.entity.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';
const STATE = { type: 'object', additionalProperties: true, nullable: true } as const;

/** Who changed something. */
export class ChangeActorView {
  /** A person, or Tenon itself. */
  @ApiProperty({ enum: ['user', 'service_account', 'system'], example: 'user' })
  kind!: ActorKind;
  /** Id of the person; null for Tenon itself. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: ID })
  id!: string | null;
  /** What they are called now; null once the account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: 'Grace Hopper' })
  fullName!: string | null;
}

/** One place in which a change made a difference. */
export class DifferenceView implements Difference {
  /**
   * Where; rules and variants are known by their names.
   * @example "rules[Beta testers].rollout.percentage"
   */
  path!: string;
  /** What was there; null for nothing. */
  @ApiProperty({ ...ANY_VALUE, nullable: true, example: 10 })
  before!: Json;
  /** What is there since; null for nothing. */
  @ApiProperty({ ...ANY_VALUE, nullable: true, example: 50 })
  after!: Json;
  /**
   * The same for a person to read.
   * @example "rules[Beta testers].rollout.percentage: 10 → 50"
   */
  text!: string;
}

/** What a change is about. */
export class ChangedThingView {
  /** What was changed: a `feature`, its `configuration` in an environment, a `segment`, a `policy` of approvals. */
  @ApiProperty({ enum: CHANGE_KINDS, example: 'configuration' })
  kind!: ChangeKind;
  /** Key of the feature. */
  @ApiProperty({ type: String, nullable: true, example: 'reports' })
  feature!: string | null;
  /** Key of the segment. */
  @ApiProperty({ type: String, nullable: true, example: null })
  segment!: string | null;
  /** Key of the environment. */
  @ApiProperty({ type: String, nullable: true, example: 'production' })
  environment!: string | null;
}

/** A change of what features are. */
export class LoggedChangeView extends ChangedThingView {
  /** Sorted by time. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** When it was made. */
  @ApiProperty({ format: 'date-time', example: '2026-11-25T08:00:00.000Z' })
  at!: string;
  /**
   * Counts the changes of the installation; those of one transaction share one.
   * @example 42
   */
  revision!: number;
  /** Who made it. */
  actor!: ChangeActorView;
  /** What it was, whole; null: it was not there, or not configured. */
  @ApiProperty({ ...STATE, example: { enabled: true, rules: [], rollout: null } })
  before!: JsonObject | null;
  /** What it is since, whole; null: it is gone. */
  @ApiProperty({ ...STATE, example: { enabled: false, rules: [], rollout: null } })
  after!: JsonObject | null;
  /** Where the two differ. */
  differences!: DifferenceView[];
  /** Why, as they said it. */
  @ApiProperty({ type: String, nullable: true, example: 'Pilot with two customers' })
  reason!: string | null;
  /**
   * Whether it follows from the change of something else, as of the other feature in a conflict.
   * @example false
   */
  derived!: boolean;
  /** The approved change request that it comes from. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: null })
  changeRequestId!: string | null;
  /** The change that it rolls back. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: null })
  rolledBackId!: string | null;
}

/** A page of changes, newest first. */
export class ChangesPageView {
  /** The changes of this page. */
  data!: LoggedChangeView[];
  /** Whether and where it goes on. */
  meta!: CursorMeta;
}

/** What a rollback has changed. */
export class RollbackView {
  /** The changes that it took; none when all was so already. */
  data!: LoggedChangeView[];
}

/** @param names what people are called now, by id. */
export function toChangeView(entry: FeatureChangeLog, names: ReadonlyMap<string, string>): LoggedChangeView {
  const { before = null, after = null, actorId = null } = entry;
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    revision: entry.revision,
    kind: entry.kind,
    feature: entry.featureKey ?? null,
    segment: entry.segmentKey ?? null,
    environment: entry.environmentKey ?? null,
    actor: { kind: entry.actorKind, id: actorId, fullName: (actorId && names.get(actorId)) ?? null },
    before,
    after,
    differences: differencesOf(before, after),
    reason: entry.reason ?? null,
    derived: entry.derived,
    changeRequestId: entry.changeRequestId ?? null,
    rolledBackId: entry.rolledBackId ?? null,
  };
}
