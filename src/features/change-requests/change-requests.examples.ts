import type { AnyEdit } from './edits.dto.js';

/** One of each kind, about what the examples of features and segments make; the id of a change is another one everywhere. What they ask for, no other example does. */
const edits: [summary: string, edit: { type: AnyEdit['type']; [field: string]: unknown }][] = [
  [
    'Configure a feature in an environment',
    {
      type: 'feature.configure',
      key: 'reports',
      environment: 'production',
      configuration: { enabled: true, rules: [], rollout: { by: 'targetingKey', percentage: 25 } },
    },
  ],
  ['Switch one off or on', { type: 'feature.switch', key: 'reports', environment: 'production', enabled: false }],
  [
    'Make a feature',
    {
      type: 'feature.create',
      feature: { key: 'report-alerts', name: 'Alerts of reports', type: 'boolean', defaultValue: false },
    },
  ],
  ['Change a feature', { type: 'feature.update', key: 'reports', feature: { description: 'Charts and tables' } }],
  ['Remove a feature', { type: 'feature.delete', key: 'upload-rules' }],
  [
    'Make a segment',
    {
      type: 'segment.create',
      segment: { key: 'german-speaking', when: [{ attribute: 'country', operator: 'in', values: ['DE', 'AT', 'CH'] }] },
    },
  ],
  ['Change a segment', { type: 'segment.update', key: 'beta-testers', segment: { name: 'Testers' } }],
  ['Remove a segment', { type: 'segment.delete', key: 'beta-testers' }],
  [
    'Set a policy: what features are in staging is changed with a reason',
    {
      type: 'policy.put',
      environment: 'staging',
      policy: { approvals: 0, kinds: ['configuration'], reasonRequired: true },
    },
  ],
  [
    'Roll a change back, by its id in the change log',
    { type: 'change.rollback', id: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00', to: 'before' },
  ],
  [
    'Import features',
    {
      type: 'features.import',
      import: {
        format: 'tenon',
        document: {
          format: 'tenon',
          formatVersion: 1,
          features: [
            {
              definition: { key: 'report-archive', name: 'Archive of reports', type: 'boolean', defaultValue: false },
            },
          ],
        },
      },
    },
  ],
];

/** Bodies that Swagger UI offers. */
export const changeRequestExamples = Object.fromEntries(
  edits.map(([summary, edit]) => [
    edit.type,
    { summary, value: { title: summary, reason: 'Pilot with two customers', changes: [edit] } },
  ]),
);
