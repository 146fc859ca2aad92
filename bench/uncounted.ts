import { FeatureUsage } from '../src/features/usage/feature-usage.js';

/** Tenon as it is, but that usage is not counted. */
for (const method of ['asked', 'askedAll', 'askedAgain'] as const) FeatureUsage.prototype[method] = () => undefined;
await import('../src/main.js');
