import { ApiProperty } from '@nestjs/swagger';

/** How many organizations, and how many people. */
export class CountView {
  /**
   * Active organizations.
   * @example 12
   */
  organizations!: number;
  /**
   * Their members, added up.
   * @example 340
   */
  users!: number;
}

/** What a change would do to one feature. */
export class FeatureChangeView {
  /**
   * Key of the feature.
   * @example report-exports
   */
  key!: string;
  /** Those whose value would be another. */
  changed!: CountView;
  /** Those whose value as an organization stays, and may change for some of their people, by rules and roll-outs. */
  perhaps!: CountView;
}

/** What a change would do. */
export class ChangeView {
  /** Each feature that would notice. */
  features!: FeatureChangeView[];
  /** Those for whom any feature would be another. */
  changed!: CountView;
  /** Those of whom only some people may notice. */
  perhaps!: CountView;
}

/** What a change that was tried would do. */
export class PreviewView extends ChangeView {
  /**
   * Where it was tried.
   * @example production
   */
  environment!: string;
}

/** A feature that needs another one. */
export class DependentView {
  /**
   * Key of the feature.
   * @example report-exports
   */
  key!: string;
  /**
   * From it to what it needs.
   * @example ["report-exports", "reports"]
   */
  path!: string[];
}

/** Where a feature is on. */
export class StateCountView {
  /** Those that have it on, each for itself, without a context. */
  on!: CountView;
  /** Those that have it off. */
  off!: CountView;
  /** Of both, those of whom a rule or roll-out may say something else for some people. */
  dependingOnContext!: CountView;
}

/** What hangs on a feature. */
export class ImpactView {
  /**
   * Where it was looked.
   * @example production
   */
  environment!: string;
  /**
   * Counts the changes of all features.
   * @example 42
   */
  revision!: number;
  /**
   * Whether it is switched on there.
   * @example true
   */
  enabled!: boolean;
  /** What it needs, over any depth, nearest first. */
  @ApiProperty({ type: [String], example: [] })
  needs!: string[];
  /** What needs it, over any depth, nearest first. */
  neededBy!: DependentView[];
  /** What it conflicts with. */
  @ApiProperty({ type: [String], example: ['old-reports'] })
  conflicts!: string[];
  /** Plans that give or limit it. */
  @ApiProperty({ type: [String], example: ['standard'] })
  plans!: string[];
  /**
   * Organizations that override it there.
   * @example 3
   */
  overrides!: number;
  /** Where it is on now. */
  organizations!: StateCountView;
  /** What switching it off there would do; on, where it is off. */
  switched!: ChangeView;
}
