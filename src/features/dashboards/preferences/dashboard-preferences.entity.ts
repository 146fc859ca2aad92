import { defineEntity, p } from '@mikro-orm/core';
import { ownInTenantPolicy, systemPolicy } from '../../../database/policies.js';
import { Membership } from '../../../organizations/members/membership.entity.js';
import type { PlacedWidget } from './layout.js';

export const THEMES = ['light', 'dark', 'system'] as const;
export type Theme = (typeof THEMES)[number];

const DashboardPreferencesSchema = defineEntity({
  name: 'DashboardPreferences',
  tableName: 'user_dashboard_preferences',
  rowLevelSecurity: 'force',
  policies: [ownInTenantPolicy(), systemPolicy],
  checks: [{ name: 'user_dashboard_preferences_theme_check', expression: `theme in ('light', 'dark', 'system')` }],
  properties: {
    member: () => p.manyToOne(Membership).primary().joinColumns('organization_id', 'user_id').deleteRule('cascade'),
    /** Null: the default. */
    layout: p.json<PlacedWidget[] | null>().nullable(),
    theme: p.text().$type<Theme>(),
    /** 0: never saved. */
    version: p.integer().default(0),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** How a member arranged the own dashboard in an organization. */
export class DashboardPreferences extends DashboardPreferencesSchema.class {}
DashboardPreferencesSchema.setClass(DashboardPreferences);
