import { type EvaluationScope, subjectOf } from '../../evaluation/evaluation.service.js';
import { type Details, evaluate, explain, isOn, type Reason } from '../../evaluator/index.js';
import type { WidgetFacts } from './widgets.queries.js';

/** A feature that a widget needs, as the organization has it. */
export interface RequiredFeature {
  key: string;
  on: boolean;
  /** The stage that decided; `not_active` for drafts, which are evaluated for nobody. */
  reason: Reason | 'not_active';
  details: Details;
  explanation: string;
}

export const UNAVAILABLE = ['feature_off', 'widget_removed'] as const;

/** Whether an organization can use a widget, and why not. */
export interface Availability {
  available: boolean;
  reason: (typeof UNAVAILABLE)[number] | null;
  explanation: string | null;
  requiredFeatures: RequiredFeature[];
}

/**
 * Tells of widgets whether an organization can use them: whether it has all features that they need, evaluated for the
 * organization itself.
 */
export function availabilityIn(
  scope: EvaluationScope,
): (widget: Pick<WidgetFacts, 'key' | 'requiredFeatures'>) => Availability {
  const subject = subjectOf(scope);
  const requiredFeature = (key: string): RequiredFeature => {
    const decision = evaluate(scope.environment, key, subject);
    if (!decision)
      return { key, on: false, reason: 'not_active', details: {}, explanation: `${key} is a draft or archived.` };
    const { feature } = scope.environment.features[scope.environment.indexOf.get(key)!]!;
    const { reason, details } = decision;
    return { key, on: isOn(feature, decision), reason, details, explanation: explain(decision, feature) };
  };
  return ({ key, requiredFeatures: keys }) => {
    const requiredFeatures = keys.map(requiredFeature);
    const off = requiredFeatures.filter(({ on }) => !on);
    if (off.length === 0) return { available: true, reason: null, explanation: null, requiredFeatures };
    const what = `${key} needs ${off.map((feature) => feature.key).join(' and ')}.`;
    const explanation = [what, ...off.map((feature) => feature.explanation)].join(' ');
    return { available: false, reason: 'feature_off', explanation, requiredFeatures };
  };
}

/** Of a widget that is in the library no more. */
export function removed(key: string): Availability {
  const explanation = `${key} was removed from the library.`;
  return { available: false, reason: 'widget_removed', explanation, requiredFeatures: [] };
}
