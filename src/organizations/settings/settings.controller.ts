import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { OrganizationSettingsPatch } from './settings.document.js';
import { settingsExample } from './settings.schema.js';
import { SettingsService } from './settings.service.js';
import { SettingsView, toSettingsView } from './settings.view.js';

@ApiTags('Organizations')
@Controller('api/v1/organizations/:organizationId/settings')
@OrganizationPath()
export class SettingsController {
  constructor(private readonly settings: SettingsService) {}

  /** Shows the settings of the organization. */
  @Get()
  @Authorize('settings:read')
  @Versioned()
  async getSettings(@CurrentActor() actor: Actor): Promise<SettingsView> {
    return toSettingsView(await this.settings.get(actor));
  }

  /**
   * Changes settings by a JSON Merge Patch (RFC 7396).
   * @remarks What is left out stays, objects are merged by path, null removes, arrays are replaced. What comes of it has to
   * fit the schema below and may take 64 KiB in all. `custom` is for settings of your own product.
   */
  @Patch()
  @Authorize('settings:update')
  @VersionedWrite()
  @ApiBody({
    type: OrganizationSettingsPatch,
    examples: {
      change: { summary: 'Set some', value: settingsExample },
      remove: { summary: 'Remove one of a group, and a group', value: { branding: { logoUrl: null }, contacts: null } },
    },
  })
  async updateSettings(
    @CurrentActor() actor: Actor,
    @Body() patch: unknown,
    @IfMatch() version: number | null,
  ): Promise<SettingsView> {
    return toSettingsView(await this.settings.update(actor, patch, version));
  }
}
