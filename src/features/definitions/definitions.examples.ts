/*
 * What Swagger UI offers is one story, which `test/openapi-examples.test.ts` walks: the features that are made here, the plan
 * `standard` and the environment `production` of a new installation, and the segment `beta-testers` are what the examples of
 * everything else name. Each says why: a policy may ask for it.
 */
const reason = 'For the pilot';

/** Bodies for making features; one after the other they all succeed. */
export const createExamples = {
  first: {
    summary: 'First: a feature on its own',
    value: { key: 'reports', name: 'Reports', type: 'boolean', defaultValue: false, reason },
  },
  second: {
    summary: 'Second: one that needs it, given by a plan',
    value: {
      key: 'report-exports',
      name: 'Export of reports',
      type: 'boolean',
      defaultValue: false,
      dependencies: ['reports'],
      plans: { standard: true },
      reason,
    },
  },
  third: {
    summary: 'Third: one that cannot go together with the first',
    value: {
      key: 'old-reports',
      name: 'Reports as they were',
      type: 'boolean',
      defaultValue: false,
      conflicts: ['reports'],
      reason,
    },
  },
  metered: {
    summary: 'A limit whose use is counted, by month',
    value: {
      key: 'api-calls',
      name: 'Calls of the API',
      type: 'number',
      defaultValue: 1000,
      metering: { period: 'month', enforcement: 'hard' },
      plans: { standard: 5000 },
      reason,
    },
  },
  variants: {
    summary: 'A text with variants, half of the people each',
    value: {
      key: 'checkout-button',
      name: 'Button of the checkout',
      type: 'string',
      defaultValue: 'Buy',
      variants: [
        { key: 'short', value: 'Buy', weight: 50 },
        { key: 'long', value: 'Buy now', weight: 50 },
      ],
      reason,
    },
  },
  json: {
    summary: 'JSON that fits a schema',
    value: {
      key: 'upload-rules',
      name: 'What can be uploaded',
      type: 'json',
      schema: {
        type: 'object',
        required: ['maxMegabytes'],
        properties: {
          maxMegabytes: { type: 'integer', minimum: 1 },
          types: { type: 'array', items: { type: 'string' } },
        },
      },
      defaultValue: { maxMegabytes: 10, types: ['image/png'] },
      reason,
    },
  },
};

/** Whom the bodies for changing a feature, and for trying a change, are about: nothing else needs it. */
export const CHANGED_FEATURE = 'report-exports';
/** Bodies for changing it. */
export const updateExamples = {
  texts: {
    summary: 'Describe it',
    value: {
      description: 'Reports as CSV and PDF',
      category: 'reporting',
      owner: 'team-reports',
      tags: ['beta'],
      reason,
    },
  },
  plan: { summary: 'Say what a plan gives of it', value: { plans: { standard: true }, reason } },
  dependencies: {
    summary: 'Let it need one more, and so only be on where that is more than its default',
    value: { dependencies: ['reports', 'api-calls'], reason },
  },
  archive: { summary: 'Take it out of use', value: { lifecycle: 'archived', reason } },
  activate: { summary: 'Put it back into use', value: { lifecycle: 'active', reason } },
};

/** Whom the removal is about. */
export const REMOVED_FEATURE = 'old-reports';
