import type { Json, JsonObject } from '../../../kernel/json.js';

/**
 * What LaunchDarkly lists (`GET /api/v2/flags/{project}?summary=0`, `ldcli flags list`), as far as it is read. Segments are
 * listed by environment (`GET /api/v2/segments/{project}/{environment}`): they stand in `segments` by its key.
 */
export interface LaunchDarklyDocument {
  items: LaunchDarklyFlag[];
  segments?: Record<string, LaunchDarklySegment[]>;
}

export interface LaunchDarklyFlag {
  key: string;
  name?: string;
  description?: string | null;
  variations: { value: Json; name?: string | null }[];
  variationJsonSchema?: JsonObject | null;
  defaults?: { onVariation?: number; offVariation?: number } | null;
  temporary?: boolean;
  archived?: boolean;
  deprecated?: boolean;
  tags?: string[];
  _maintainer?: { email?: string } | null;
  environments?: Record<string, LaunchDarklyEnvironment>;
}

export interface LaunchDarklyEnvironment {
  on: boolean;
  offVariation?: number | null;
  targets?: LaunchDarklyTarget[] | null;
  contextTargets?: LaunchDarklyTarget[] | null;
  rules?: LaunchDarklyRule[] | null;
  fallthrough?: LaunchDarklyServe | null;
  prerequisites?: { key: string; variation: number }[] | null;
}

export interface LaunchDarklyTarget {
  variation: number;
  values: string[];
  contextKind?: string;
}

/** What is served: a variation, or by shares. */
export interface LaunchDarklyServe {
  variation?: number | null;
  rollout?: LaunchDarklyRollout | null;
}

export interface LaunchDarklyRollout {
  /** In thousandths of a percent. */
  variations: { variation: number; weight: number }[];
  bucketBy?: string | null;
  contextKind?: string | null;
  experimentAllocation?: unknown;
}

export interface LaunchDarklyRule extends LaunchDarklyServe {
  description?: string | null;
  clauses: LaunchDarklyClause[];
}

export interface LaunchDarklyClause {
  attribute?: string;
  op: string;
  values: Json[];
  negate?: boolean;
  contextKind?: string;
}

export interface LaunchDarklySegment {
  key: string;
  name?: string;
  description?: string | null;
  included?: string[] | null;
  excluded?: string[] | null;
  includedContexts?: unknown[] | null;
  excludedContexts?: unknown[] | null;
  rules?: { clauses: LaunchDarklyClause[]; weight?: number | null }[] | null;
  unbounded?: boolean;
}

const text = { type: 'string' };
const flag = { type: 'boolean' };
const place = { type: 'integer', minimum: 0 };
const optional = (type: string): object => ({ type: [type, 'null'] });
const list = (items: object): object => ({ type: ['array', 'null'], items });
const texts = list(text);
const object = (required: string[], properties: object): object => ({ type: 'object', required, properties });

const clauses = {
  type: 'array',
  items: object(['op', 'values'], {
    attribute: text,
    op: text,
    values: { type: 'array' },
    negate: flag,
    contextKind: text,
  }),
};
const rollout = {
  type: ['object', 'null'],
  required: ['variations'],
  properties: {
    variations: {
      type: 'array',
      items: object(['variation', 'weight'], { variation: place, weight: { type: 'number', minimum: 0 } }),
    },
    bucketBy: optional('string'),
    contextKind: optional('string'),
  },
};
const serve = { variation: { type: ['integer', 'null'], minimum: 0 }, rollout };
const targets = list(
  object(['variation', 'values'], { variation: place, values: { type: 'array', items: text }, contextKind: text }),
);

/** Its shape as a JSON Schema; what is not read may be anything. */
export const LAUNCHDARKLY_SCHEMA = object(['items'], {
  items: {
    type: 'array',
    items: object(['key', 'variations'], {
      key: text,
      name: text,
      description: optional('string'),
      variations: { type: 'array', minItems: 1, items: object(['value'], { value: {}, name: optional('string') }) },
      variationJsonSchema: optional('object'),
      defaults: { type: ['object', 'null'], properties: { onVariation: place, offVariation: place } },
      temporary: flag,
      archived: flag,
      deprecated: flag,
      tags: { type: 'array', items: text },
      _maintainer: { type: ['object', 'null'], properties: { email: text } },
      environments: {
        type: 'object',
        additionalProperties: object(['on'], {
          on: flag,
          offVariation: { type: ['integer', 'null'], minimum: 0 },
          targets,
          contextTargets: targets,
          rules: list(object(['clauses'], { description: optional('string'), clauses, ...serve })),
          fallthrough: { type: ['object', 'null'], properties: serve },
          prerequisites: list(object(['key', 'variation'], { key: text, variation: place })),
        }),
      },
    }),
  },
  segments: {
    type: 'object',
    additionalProperties: {
      type: 'array',
      items: object(['key'], {
        key: text,
        name: text,
        description: optional('string'),
        included: texts,
        excluded: texts,
        includedContexts: list({}),
        excludedContexts: list({}),
        rules: list(object(['clauses'], { clauses, weight: optional('number') })),
        unbounded: flag,
      }),
    },
  },
});
