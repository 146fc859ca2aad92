import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { ChangePolicy } from './change-policy.js';
import { GATED_KINDS, type GatedKind } from './feature-change-policy.entity.js';

/** What changes of features in an environment need. */
export class ChangePolicyView implements ChangePolicy {
  /**
   * Key of the environment.
   * @example production
   */
  environment!: string;
  /**
   * How many people have to approve, besides whoever asks.
   * @example 1
   */
  approvals!: number;
  /** Ids of the platform admins who may; nobody named: all of them. */
  @ApiProperty({ type: [String], format: 'uuid', example: [] })
  approvers!: string[];
  /** What has to be approved. */
  @ApiProperty({ enum: GATED_KINDS, isArray: true, example: GATED_KINDS })
  kinds!: GatedKind[];
  /**
   * Whether every change of these kinds has to say why.
   * @example true
   */
  reasonRequired!: boolean;
  /**
   * Counts its changes, also those by which it asks for nothing; the ETag holds it. 0: none was ever set.
   * @example 1
   */
  version!: number;
}

/** A page of policies. */
export class ChangePolicyPageView {
  /** The policies of this page. */
  data!: ChangePolicyView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}
