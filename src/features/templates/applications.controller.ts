import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { CursorQuery } from '../../kernel/lists.js';
import {
  ApplicationPath,
  ApplyTemplateRequest,
  applyExamples,
  previewExamples,
  RollBackApplicationRequest,
  TemplateApplicationPath,
  TemplatePreviewQuery,
  TemplatePreviewRequest,
} from './applications.dto.js';
import { ApplicationsService } from './applications.service.js';
import {
  ApplicationOrganizationPageView,
  ApplicationPageView,
  ApplicationView,
  QueuedApplicationView,
} from './applications.view.js';
import { PreviewService } from './preview.service.js';
import { TemplatePreviewView } from './preview.view.js';
import { RollbackService } from './rollback.service.js';
import { TemplatePath } from './templates.dto.js';

@ApiTags('Feature templates')
@Controller('api/v1/feature-templates')
export class ApplicationsController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly previews: PreviewService,
    private readonly rollbacks: RollbackService,
  ) {}

  /**
   * Says what applying a template would do, before it is done.
   * @remarks Name one of `organizationIds`, `plan` and `all`; there may be 10,000 organizations. `totals` and `refusals` are
   * about all of them, `data` shows each feature of the organizations of the page, and why one cannot have it: by the checks
   * and codes of a single override, with all of the template put in, so that its features may need each other.
   *
   * Each feature is looked at in the `environment` that you name, or else in every one, and `environments` says which.
   * Where an organization would get the value and still have another one, as a feature is switched off in that environment,
   * `ineffective` says why; that refuses nothing.
   */
  @Post(':key/preview')
  @HttpCode(200)
  @Authorize('platform-admin')
  @ApiBody({ type: TemplatePreviewRequest, examples: previewExamples })
  async previewTemplate(
    @Param() { key }: TemplatePath,
    @Body() body: TemplatePreviewRequest,
    @Query() query: TemplatePreviewQuery,
    @Req() request: FastifyRequest,
  ): Promise<TemplatePreviewView> {
    return this.previews.preview(key, body, query, request.url);
  }

  /**
   * Applies a template to organizations.
   * @remarks The answer comes at once; ask for the application to see how far it is. Each value becomes an override of each
   * organization, everywhere unless you name an `environment`, in place of the one that was there. All become valid
   * together, or none: if one organization cannot have one value, the application fails and names both. If Tenon is stopped
   * in its middle, it is done after the next start. A selection that no active organization is in is refused, 400
   * `validation_failed` with `no_organization`; if the last one goes before its turn comes, the application fails with that.
   *
   * Until it has ended, other changes of these organizations' overrides, plans and members wait for it, and so do changes of
   * features. There may be 10,000 organizations at once.
   */
  @Post(':key/applications')
  @HttpCode(202)
  @Authorize('platform-admin')
  @ApiBody({ type: ApplyTemplateRequest, examples: applyExamples })
  async applyTemplate(
    @CurrentActor() actor: Actor,
    @Param() { key }: TemplatePath,
    @Body() request: ApplyTemplateRequest,
  ): Promise<QueuedApplicationView> {
    return this.applications.request(actor, key, request);
  }

  /** Lists applications of a template, newest first; also of one that was removed. */
  @Get(':key/applications')
  @Authorize('platform-admin')
  async listApplications(@Param() { key }: TemplatePath, @Query() query: CursorQuery): Promise<ApplicationPageView> {
    return this.applications.list(key, query);
  }

  /** Shows an application of a template, and how far it is. */
  @Get(':key/applications/:id')
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async getApplication(@Param() { key, id }: TemplateApplicationPath): Promise<ApplicationView> {
    return this.applications.get(key, id);
  }

  /**
   * Lists the organizations that a template was applied to, by id, and what has become of what each one was given.
   * @remarks There are none until the application is completed. The list is kept for 90 days, as long as the application
   * can be rolled back.
   */
  @Get(':key/applications/:id/organizations')
  @Authorize('platform-admin')
  async listApplicationOrganizations(
    @Param() { key, id }: TemplateApplicationPath,
    @Query() query: CursorQuery,
  ): Promise<ApplicationOrganizationPageView> {
    return this.applications.listOrganizations(key, id, query);
  }

  /**
   * Rolls an application back.
   * @remarks Every organization gets back what it had before of what the application changed, in one transaction. If
   * somebody changed some of these overrides since, that is 409 `conflict`, which says how many and names the first 20 by
   * feature and organization, and nothing is done; the application's organizations have all of them, as `changed_since`.
   * With `keepChanged` these stay as they are and the others go back; `rollback.kept` names them. What organizations had is
   * kept for 90 days; after that it is 409 `template_rollback_expired`.
   */
  @Post('applications/:id/rollback')
  @HttpCode(200)
  @Authorize('platform-admin')
  @ApiProblems('conflict', 'template_rollback_expired')
  async rollBackApplication(
    @CurrentActor() actor: Actor,
    @Param() { id }: ApplicationPath,
    @Body() request: RollBackApplicationRequest,
  ): Promise<ApplicationView> {
    return this.applications.get(await this.rollbacks.rollBack(actor, id, request), id);
  }
}
