/** Bodies that Swagger UI offers for making features; one after the other they all succeed. */
export const createExamples = {
  first: {
    summary: 'First: a feature on its own',
    value: { key: 'reports', name: 'Reports', type: 'boolean', defaultValue: true },
  },
  second: {
    summary: 'Second: one that needs it, given by a plan',
    value: {
      key: 'report-exports',
      name: 'Export of reports',
      type: 'boolean',
      defaultValue: true,
      dependencies: ['reports'],
      plans: { standard: true },
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
    },
  },
};

/** Bodies for changing a feature. */
export const updateExamples = {
  texts: { summary: 'Describe it', value: { description: 'Charts and tables', owner: 'team-reports', tags: ['beta'] } },
  plan: { summary: 'Put it into a plan', value: { plans: { standard: true } } },
  dependencies: { summary: 'Let it need another one', value: { dependencies: ['reports'] } },
  archive: { summary: 'Take it out of use', value: { lifecycle: 'archived' } },
};
