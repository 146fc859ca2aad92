import { ApiProperty } from '@nestjs/swagger';
import type { Organization } from '../organization.entity.js';
import { OrganizationSettings } from './settings.document.js';
import { settingsExample } from './settings.schema.js';

/** The settings of an organization, and their version. */
export class SettingsView {
  /** What was set; there are no defaults. */
  @ApiProperty({ type: OrganizationSettings, example: settingsExample })
  settings!: object;
  /**
   * Of the settings, also as `ETag`.
   * @example 1
   */
  version!: number;
}

export function toSettingsView({ settings, settingsVersion }: Organization): SettingsView {
  return { settings, version: settingsVersion };
}
