import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { CreateTemplateRequest, TemplatePath, UpdateTemplateRequest } from './templates.dto.js';
import { TemplatesService } from './templates.service.js';
import { TemplatePageView, TemplateView, toTemplateView } from './templates.view.js';

@ApiTags('Feature templates')
@Controller('api/v1/feature-templates')
export class TemplatesController {
  constructor(private readonly templates: TemplatesService) {}

  /** Lists templates. */
  @Get()
  @Authorize('platform-admin')
  async listTemplates(@Query() query: PageQuery, @Req() request: FastifyRequest): Promise<TemplatePageView> {
    const [templates, total] = await this.templates.list(query);
    return toPage(templates.map(toTemplateView), total, query, request.url);
  }

  /** Shows a template. */
  @Get(':key')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed')
  async getTemplate(@Param() { key }: TemplatePath): Promise<TemplateView> {
    return toTemplateView(await this.templates.get(key));
  }

  /**
   * Makes a template.
   * @remarks Values have to be of the type of their features and fit their schemas. Whether an organization can have them is
   * looked at when it is applied. A feature that a template names cannot be archived or removed.
   */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('conflict')
  async createTemplate(@CurrentActor() actor: Actor, @Body() request: CreateTemplateRequest): Promise<TemplateView> {
    return toTemplateView(await this.templates.create(actor, request));
  }

  /** Changes a template. What organizations were given of it stays as it is. */
  @Patch(':key')
  @Authorize('platform-admin')
  @VersionedWrite()
  async updateTemplate(
    @CurrentActor() actor: Actor,
    @Param() { key }: TemplatePath,
    @Body() request: UpdateTemplateRequest,
    @IfMatch() version: number | null,
  ): Promise<TemplateView> {
    return toTemplateView(await this.templates.update(actor, key, request, version));
  }

  /** Removes a template. What organizations were given of it stays, and so does the log of its applications. */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('validation_failed')
  async deleteTemplate(
    @CurrentActor() actor: Actor,
    @Param() { key }: TemplatePath,
    @IfMatch() version: number | null,
  ): Promise<void> {
    await this.templates.remove(actor, key, version);
  }
}
