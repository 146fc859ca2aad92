import { ApiProperty } from '@nestjs/swagger';
import type { ChangeEntry } from '../change-log/change-entry.js';
import { DifferenceView } from '../change-log/change-log.view.js';
import { differencesOf } from '../change-log/differences.js';
import type { ChangePolicy } from '../change-policies/change-policy.js';
import type { Refused } from './attempts.js';
import type { ImportRun } from './import-run.js';
import type { ImportSource, NotCarriedOver } from './import-source.js';

const KINDS = ['environment', 'segment', 'feature', 'configuration'] as const;
type Kind = (typeof KINDS)[number];

/** Something that an import made. */
export class ImportedView {
  /** What it is; a `configuration` is what a feature is in an environment. */
  @ApiProperty({ enum: KINDS, example: 'feature' })
  kind!: Kind;
  /**
   * Key of the environment, segment or feature.
   * @example reports
   */
  key!: string;
  /** Of a configuration the environment. */
  @ApiProperty({ type: String, nullable: true, example: null })
  environment!: string | null;
}

/** Something that an import changed. */
export class ImportChangeView extends ImportedView {
  /** Where it is another now. */
  differences!: DifferenceView[];
}

/** Something of the document that is not taken over. */
export class NotCarriedOverView implements NotCarriedOver {
  /**
   * Where in the document it stands.
   * @example featureStrategies.3.constraints.0
   */
  path!: string;
  /**
   * What it is.
   * @example "the strategy gradualByRegion of reports"
   */
  what!: string;
  /**
   * Why, and what is instead.
   * @example "A strategy of your own cannot be known here: whom only it takes does not get the feature"
   */
  why!: string;
}

/** Something of the document that cannot be made, so that nothing is imported. */
export class RefusedView implements Refused {
  /**
   * Where in the document it stands.
   * @example document.features.0.definition.dependencies
   */
  path!: string;
  /**
   * Stable code.
   * @example feature_unknown
   */
  code!: string;
  /**
   * For a person to read.
   * @example "There is no feature \"reports\""
   */
  message!: string;
}

/** What an environment asks of an import. */
export class ImportPolicyView implements Pick<ChangePolicy, 'environment' | 'approvals' | 'reasonRequired'> {
  /**
   * Key of the environment.
   * @example production
   */
  environment!: string;
  /**
   * How many people have to approve; above 0 ask for it by POST `/api/v1/feature-changes`, with an edit `features.import`
   * that holds this document.
   * @example 1
   */
  approvals!: number;
  /**
   * Whether it has to have a `reason`.
   * @example false
   */
  reasonRequired!: boolean;
}

/** What an import did, or would do. */
export class ImportView {
  /**
   * Whether it was only tried.
   * @example true
   */
  dryRun!: boolean;
  /** What it makes. */
  created!: ImportedView[];
  /** What it changes, features too that are not in the document where a conflict with one of it comes or goes. */
  changed!: ImportChangeView[];
  /**
   * How many things of the document are so already.
   * @example 12
   */
  unchanged!: number;
  /** What of the document has no place here, or no place yet. */
  notCarriedOver!: NotCarriedOverView[];
  /** What cannot be made; a run with any of it is refused as a whole. */
  refused!: RefusedView[];
  /** What policies ask of it, by environment; with none it is made at once. */
  policies!: ImportPolicyView[];
}

/** @param entries what the import has changed, each thing as often as it was touched on the way. */
export function toImportView(
  dryRun: boolean,
  { environments, segments, features }: ImportSource,
  { madeEnvironments, notCarriedOver, attempts: { refused, paths } }: ImportRun,
  entries: readonly ChangeEntry[],
  policies: readonly ChangePolicy[],
): ImportView {
  const created: ImportedView[] = madeEnvironments.map((key) => ({ kind: 'environment', key, environment: null }));
  const changed: ImportChangeView[] = [];
  const things = Map.groupBy(entries, ({ kind, feature, segment, environment }) =>
    [kind, feature ?? segment, environment].join(' '),
  );
  for (const [first, ...more] of things.values()) {
    const { kind, feature, segment, environment = null, before } = first!;
    const thing = { kind: kind as Kind, key: (feature ?? segment)!, environment };
    const differences = differencesOf(before, (more.at(-1) ?? first!).after);
    if (before === null) created.push(thing);
    else if (differences.length > 0) changed.push({ ...thing, differences });
  }
  const named = new Set(features.map(({ entry }) => entry.definition.key));
  const touched = [...created, ...changed].filter(({ kind, key }) => kind !== 'feature' || named.has(key));
  const configurations = features.flatMap(({ entry }) => entry.configurations);
  const all = environments.length + segments.length + features.length + configurations.length;
  return {
    dryRun,
    created,
    changed,
    unchanged: all - touched.length - paths.size,
    notCarriedOver,
    refused,
    policies: policies.map(({ environment, approvals, reasonRequired }) => ({
      environment,
      approvals,
      reasonRequired,
    })),
  };
}
