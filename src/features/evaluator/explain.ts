import type { Decision } from './decision.js';
import type { Json } from './model.js';

/** One sentence for a person who asks why; put together when it is asked for. */
export function explain({ value, variant, reason, details }: Decision, { key }: { key: string }): string {
  const what = `${key} is ${show(value)}${variant === null ? '' : ` (variant ${variant})`}`;
  return `${what} ${because(reason, details)}.`;
}

function because(reason: Decision['reason'], details: Decision['details']): string {
  switch (reason) {
    case 'kill_switch':
      return `because it is switched off in ${show(details.environment)}`;
    case 'entitlement':
      return details.wished === undefined
        ? `because that is what the plan ${show(details.plan)} says`
        : `because the plan ${show(details.plan)} allows no more, though ${stage(details.wishedBy)} would give ${show(details.wished)}`;
    case 'dependency':
      return dependency(details);
    case 'conflict':
      return `because it is in conflict with ${show(details.with)}, which would be on as well`;
    case 'override':
      return `by an override for ${scope(details.scope)}${details.expiresAt === null ? '' : ` until ${show(details.expiresAt)}`}`;
    case 'rule':
      return `by the rule ${show(details.rule)}`;
    case 'rollout':
      return `by the roll-out to ${share(details)}${details.rule === undefined ? '' : ` in the rule ${show(details.rule)}`}`;
    case 'default':
      return `by default${outside(details)}`;
  }
}

function dependency(details: Decision['details']): string {
  const { cycle, parentReason, path, plan } = details;
  if (Array.isArray(cycle)) return `because it needs itself: ${[...cycle, cycle[0]].map(show).join(' → ')}`;
  if (parentReason === null) return `because it needs ${show(details.parent)}, which is not there`;
  const by = plan === undefined ? stage(parentReason) : `by the plan ${show(plan)}`;
  const why = Array.isArray(path) ? `: ${path.map(show).join(' → ')}` : ` (${by})`;
  return `because it needs ${needed(details)}, which is ${found(details)}${why}`;
}

function needed({ parent, parentNeeded }: Decision['details']): string {
  if (parentNeeded === undefined) return show(parent);
  if (!Array.isArray(parentNeeded)) return `${show(parent)} to be ${show(parentNeeded)}`;
  return `${show(parent)} with ${parentNeeded.map(named).join(' or ')}`;
}

function found({ parentIs = 'off', parentVariant }: Decision['details']): string {
  return parentIs === 'off' || parentVariant === undefined ? show(parentIs) : `on with ${named(parentVariant)}`;
}

function named(variant: Json): string {
  return variant === null ? 'no variant' : `variant ${show(variant)}`;
}

function outside(details: Decision['details']): string {
  if (details.missing !== undefined) return `, since the context has no ${show(details.missing)} to roll out by`;
  return details.percentage === undefined ? '' : `, outside of the roll-out to ${share(details)}`;
}

function share({ by, percentage }: Decision['details']): string {
  return `${show(percentage)} % by ${show(by)}`;
}

function scope(name: Json | undefined): string {
  return name === 'everywhere' ? 'every environment' : show(name);
}

function stage(reason: Json | undefined): string {
  return `its ${show(reason).replace('_', ' ').replace('rollout', 'roll-out')}`;
}

function show(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
