import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { Limit } from '../../limits/limit.decorator.js';
import { ClaimRequest, DomainPath } from './domains.dto.js';
import { DomainsService } from './domains.service.js';
import { DomainPageView, DomainView, toDomainView } from './domains.view.js';

@ApiTags('Domains')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/domains')
export class DomainsController {
  constructor(private readonly domains: DomainsService) {}

  /**
   * Claims a domain; the answer says which TXT record proves it.
   * @remarks Put `record` of the answer into DNS, wait until it has spread (minutes, at some providers hours), then verify
   * the domain. Only the domain itself is meant, nothing below it. Public suffixes such as `co.uk` or `github.io` cannot
   * be claimed, nor names that imitate others.
   */
  @Post()
  @Authorize('domains:manage')
  @ApiProblems('conflict', 'domain_taken', 'plan_limit_reached')
  async claimDomain(@CurrentActor() actor: Actor, @Body() { domain }: ClaimRequest): Promise<DomainView> {
    return toDomainView(await this.domains.claim(actor, domain));
  }

  /** Lists the domains of the organization, by name. */
  @Get()
  @Authorize('domains:manage')
  async listDomains(
    @CurrentActor() actor: Actor,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
  ): Promise<DomainPageView> {
    const [domains, total] = await this.domains.list(actor, query);
    return toPage(domains.map(toDomainView), total, query, request.url);
  }

  /** Shows a domain, with the record that proves it. */
  @Get(':id')
  @Authorize('domains:manage')
  @ApiProblems('validation_failed')
  async getDomain(@CurrentActor() actor: Actor, @Param() { id }: DomainPath): Promise<DomainView> {
    return toDomainView(await this.domains.get(actor, id));
  }

  /**
   * Looks for the record in DNS; where it is, the domain is proven.
   * @remarks Leave the record where it is: it is looked for again every day. A challenge that has expired is replaced; the
   * answer is 409 then, and the claim shows the new record.
   */
  @Post(':id/verify')
  @HttpCode(200)
  @Authorize('domains:manage')
  // An admin asks again and again until DNS has spread the record: `strict` (5 in 15 min) would stop them at work. What a
  // flood costs, a question to the configured resolver, that one's cache takes.
  @Limit('auth')
  @ApiProblems('validation_failed', 'domain_not_proven', 'domain_taken', 'external_service_failed')
  async verifyDomain(@CurrentActor() actor: Actor, @Param() { id }: DomainPath): Promise<DomainView> {
    return toDomainView(await this.domains.verify(actor, id));
  }

  /** Releases a domain, proven or not; others can prove it then. */
  @Delete(':id')
  @HttpCode(204)
  @Authorize('domains:manage')
  @ApiProblems('validation_failed')
  async releaseDomain(@CurrentActor() actor: Actor, @Param() { id }: DomainPath): Promise<void> {
    await this.domains.release(actor, id);
  }
}
