import type { Subject } from './model.js';

export type Read = (subject: Subject) => unknown;

/** What we say ourselves; a context that holds these names is not believed. */
export const OWN_ATTRIBUTES = ['organizationId', 'plan', 'environment'];

/** How an attribute is read in an environment. */
export function reader(name: string, environment: string): Read {
  switch (name) {
    case 'organizationId':
      return (subject) => subject.organization.id;
    case 'plan':
      return (subject) => subject.organization.plan;
    case 'environment':
      return () => environment;
    case 'targetingKey':
      return (subject) => subject.targetingKey;
    default:
      return (subject) => own(subject.attributes, name);
  }
}

/** An own property, so that a condition on `constructor` or `__proto__` meets only what the client sent. */
export function own(attributes: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

/** What can be hashed of an attribute; an empty text, a list or an object names nobody. */
export function identity(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
