import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsUUID, Matches, Max, Min } from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsChangeReason } from '../change-log/change-reason.dto.js';
import { GATED_KINDS, type GatedKind } from './feature-change-policy.entity.js';

/** Sets what changes of features in an environment need, in place of what they needed. */
export class PutChangePolicyRequest {
  /**
   * How many people have to approve, besides whoever asks; 0: nobody.
   * @example 1
   */
  @IsInt()
  @Min(0)
  @Max(10)
  approvals!: number;

  /** Ids of the platform admins who may; nobody named: all of them. */
  @ApiProperty({ type: [String], format: 'uuid', required: false, default: [], example: [] })
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  approvers: string[] = [];

  /** What has to be approved: `feature`s themselves, their `configuration` in the environment, `segment`s; all unless said, and one at least where something is asked. */
  @ApiProperty({ enum: GATED_KINDS, isArray: true, required: false, default: GATED_KINDS, example: GATED_KINDS })
  @IsArray()
  @ArrayUnique()
  @IsIn(GATED_KINDS, { each: true })
  kinds: GatedKind[] = [...GATED_KINDS];

  /** Whether every change of these kinds has to say why. */
  @ApiProperty({ type: Boolean, required: false, default: false, example: true })
  @IsBoolean()
  reasonRequired: boolean = false;

  /** Why it is changed; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}

const reason = 'Asked for by the auditors';
/** Bodies that Swagger UI offers. */
export const policyExamples = {
  reason: {
    summary: 'Whoever changes something says why',
    value: { approvals: 0, reasonRequired: true, reason },
  },
  approval: {
    summary: 'Another platform admin approves; there have to be two',
    value: { approvals: 1, reasonRequired: true, reason },
  },
};

/** Names the policy of an environment. */
export class ChangePolicyPath {
  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;
}
