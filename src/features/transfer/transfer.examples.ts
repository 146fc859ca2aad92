/** Bodies that Swagger UI offers for imports. */
export const importExamples = {
  tenon: {
    summary: 'From Tenon: a feature with its configuration and a segment',
    value: {
      format: 'tenon',
      reason: 'Taken over from staging',
      document: {
        format: 'tenon',
        formatVersion: 1,
        environments: [{ key: 'production', name: 'Production' }],
        plans: [{ key: 'standard', name: 'Standard' }],
        segments: [
          { key: 'insiders', when: [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }] },
        ],
        features: [
          {
            definition: {
              key: 'reports',
              name: 'Reports',
              type: 'boolean',
              defaultValue: false,
              plans: { standard: true },
            },
            configurations: [
              {
                environment: 'production',
                enabled: true,
                rules: [{ name: 'Insiders', when: [], segments: ['insiders'], value: true }],
                rollout: { by: 'targetingKey', percentage: 25 },
              },
            ],
          },
        ],
      },
    },
  },
  unleash: {
    summary: 'From Unleash: one flag with a gradual roll-out',
    value: {
      format: 'unleash',
      reason: 'Moved here from Unleash',
      environmentMapping: { development: 'development' },
      document: {
        features: [{ name: 'new-search', type: 'release', description: 'Search by meaning' }],
        featureStrategies: [
          {
            featureName: 'new-search',
            name: 'flexibleRollout',
            parameters: { groupId: 'new-search', rollout: '50', stickiness: 'default' },
            constraints: [{ contextName: 'country', operator: 'IN', values: ['DE', 'AT'] }],
          },
        ],
        featureEnvironments: [{ featureName: 'new-search', environment: 'development', enabled: true }],
      },
    },
  },
  launchdarkly: {
    summary: 'From LaunchDarkly: one flag with a rule',
    value: {
      format: 'launchdarkly',
      reason: 'Moved here from LaunchDarkly',
      document: {
        items: [
          {
            key: 'new-checkout',
            name: 'New checkout',
            kind: 'boolean',
            variations: [{ value: true }, { value: false }],
            environments: {
              production: {
                on: true,
                offVariation: 1,
                rules: [{ variation: 0, clauses: [{ attribute: 'country', op: 'in', values: ['DE'], negate: false }] }],
                fallthrough: {
                  rollout: {
                    variations: [
                      { variation: 0, weight: 25000 },
                      { variation: 1, weight: 75000 },
                    ],
                  },
                },
              },
            },
          },
        ],
      },
    },
  },
};
