/**
 * What Unleash exports (`POST /api/admin/features-batch/export`, and its older `/api/admin/state/export`), as far as it is
 * read. The first is of one environment, which strategies then do not name; segments come without their constraints,
 * unless the answer of `GET /api/admin/segments` stands in their place.
 */
export interface UnleashDocument {
  features: UnleashFlag[];
  featureStrategies?: UnleashFlagStrategy[];
  featureEnvironments?: UnleashFlagEnvironment[];
  /** Of the older export; the newer one has them in the strategy. */
  featureStrategySegments?: { featureStrategyId: string; segmentId: number }[];
  segments?: UnleashFlagSegment[];
  dependencies?: { feature: string; dependencies: UnleashParent[] }[];
  featureTags?: { featureName: string; tagType?: string; tagValue: string }[];
  contextFields?: unknown[];
  tagTypes?: unknown[];
  links?: unknown[];
}

export interface UnleashFlag {
  name: string;
  description?: string | null;
  project?: string | null;
  stale?: boolean;
  archived?: boolean;
  impressionData?: boolean | null;
  variants?: UnleashFlagVariant[] | null;
}

export interface UnleashFlagStrategy {
  id?: string;
  featureName: string;
  name?: string;
  /** The older export's word for `name`. */
  strategyName?: string;
  title?: string | null;
  disabled?: boolean | null;
  environment?: string;
  sortOrder?: number;
  parameters?: Record<string, string | number | boolean> | null;
  constraints?: UnleashFlagConstraint[] | null;
  segments?: number[] | null;
  variants?: UnleashFlagVariant[] | null;
}

export interface UnleashFlagConstraint {
  contextName: string;
  operator: string;
  values?: string[] | null;
  value?: string | null;
  inverted?: boolean;
  caseInsensitive?: boolean;
}

export interface UnleashFlagVariant {
  name: string;
  weight: number;
  stickiness?: string | null;
  payload?: { type: string; value: string } | null;
  overrides?: unknown[] | null;
}

export interface UnleashFlagEnvironment {
  featureName: string;
  environment: string;
  enabled: boolean;
  variants?: UnleashFlagVariant[] | null;
}

export interface UnleashFlagSegment {
  id: number;
  name?: string;
  description?: string | null;
  constraints?: UnleashFlagConstraint[] | null;
}

export interface UnleashParent {
  feature: string;
  enabled?: boolean;
  variants?: string[] | null;
}

const text = { type: 'string' };
const flag = { type: 'boolean' };
const optional = (type: string): object => ({ type: [type, 'null'] });
const list = (items: object): object => ({ type: ['array', 'null'], items });
const object = (required: string[], properties: object): object => ({ type: 'object', required, properties });

const constraint = object(['contextName', 'operator'], {
  contextName: text,
  operator: text,
  values: list(text),
  value: optional('string'),
  inverted: flag,
  caseInsensitive: flag,
});
const variant = object(['name', 'weight'], {
  name: text,
  weight: { type: 'number' },
  stickiness: optional('string'),
  overrides: list({}),
});

/** Its shape as a JSON Schema; what is not read may be anything. */
export const UNLEASH_SCHEMA = object(['features'], {
  features: {
    type: 'array',
    items: object(['name'], {
      name: text,
      description: optional('string'),
      project: optional('string'),
      stale: flag,
      archived: flag,
      variants: list(variant),
    }),
  },
  featureStrategies: {
    type: 'array',
    items: object(['featureName'], {
      id: text,
      featureName: text,
      name: text,
      strategyName: text,
      title: optional('string'),
      disabled: optional('boolean'),
      environment: text,
      sortOrder: { type: 'number' },
      parameters: { type: ['object', 'null'], additionalProperties: { type: ['string', 'number', 'boolean'] } },
      constraints: list(constraint),
      segments: list({ type: 'number' }),
      variants: list(variant),
    }),
  },
  featureEnvironments: {
    type: 'array',
    items: object(['featureName', 'environment', 'enabled'], {
      featureName: text,
      environment: text,
      enabled: flag,
      variants: list(variant),
    }),
  },
  featureStrategySegments: {
    type: 'array',
    items: object(['featureStrategyId', 'segmentId'], { featureStrategyId: text, segmentId: { type: 'number' } }),
  },
  segments: {
    type: 'array',
    items: object(['id'], {
      id: { type: 'number' },
      name: text,
      description: optional('string'),
      constraints: list(constraint),
    }),
  },
  dependencies: {
    type: 'array',
    items: object(['feature', 'dependencies'], {
      feature: text,
      dependencies: {
        type: 'array',
        items: object(['feature'], { feature: text, enabled: flag, variants: list(text) }),
      },
    }),
  },
  featureTags: {
    type: 'array',
    items: object(['featureName', 'tagValue'], { featureName: text, tagType: text, tagValue: text }),
  },
  contextFields: { type: 'array' },
  tagTypes: { type: 'array' },
  links: { type: 'array' },
});
