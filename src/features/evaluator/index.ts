export { compileSegments, type Segments } from './conditions.js';
export type { Decision, Details } from './decision.js';
export { type CompiledEnvironment, link } from './environment.js';
export { evaluate, evaluateAll } from './evaluate.js';
export { compileFeature, type CompiledFeature, isOn } from './feature.js';
export * from './model.js';
export { compileOverrides, NO_OVERRIDES, type Overrides } from './overrides.js';
export { dependsOnContext } from './context-dependence.js';
export { explain } from './explain.js';
