import { describe, expect, it } from 'vitest';
import { shapeFault } from './foreign-shape.js';
import { LAUNCHDARKLY_SCHEMA } from './launchdarkly/document.js';
import { UNLEASH_SCHEMA } from './unleash/document.js';

describe('F15 the shapes of other systems', () => {
  it.each([
    ['Unleash', UNLEASH_SCHEMA, { features: [], more: 1 }],
    ['LaunchDarkly', LAUNCHDARKLY_SCHEMA, { items: [], more: 1 }],
  ])('of %s: what we do not read may be anything', (_, schema, document) => {
    expect(shapeFault(schema, document)).toBeNull();
  });

  it('name the place of what is wrong', () => {
    expect(shapeFault(UNLEASH_SCHEMA, { features: [{ name: 'a', stale: 1 }] })).toEqual({
      field: 'document.features.0.stale',
      code: 'document_shape',
      message: 'document.features.0.stale must be boolean',
    });
  });
});
