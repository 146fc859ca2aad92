import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { CurrentActor, Public, PublicOrSession } from '../../kernel/authorize.js';
import { Limit } from '../../limits/limit.decorator.js';
import { TokenRequest } from '../registration/registration.dto.js';
import { AcceptInvitationRequest } from './acceptance.dto.js';
import { AcceptanceService } from './acceptance.service.js';
import { InvitationAcceptedView, InvitationPreviewView, toAcceptedView, toPreviewView } from './acceptance.view.js';

@ApiTags('Invitations')
@Controller('api/v1/invitations')
export class AcceptanceController {
  constructor(private readonly acceptance: AcceptanceService) {}

  /** Shows what the link of an invitation offers, and whether to sign in first; nothing changes. */
  @Post('preview')
  @HttpCode(200)
  @Public()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'link_invalid')
  async previewInvitation(@Body() { token }: TokenRequest): Promise<InvitationPreviewView> {
    const { offer, accountExists } = await this.acceptance.preview(token);
    return toPreviewView(offer, accountExists);
  }

  /** Accepts an invitation: with your session by the token alone, or as somebody new with name and password. */
  @Post('accept')
  @HttpCode(200)
  @PublicOrSession()
  @Limit('auth')
  @ApiProblems('validation_failed', 'malformed_json', 'link_invalid', 'authentication_required')
  @ApiProblems('invitation_for_another', 'email_not_verified', 'already_member', 'seat_limit_reached')
  async acceptInvitation(
    @CurrentActor() actor: Actor,
    @Body() request: AcceptInvitationRequest,
  ): Promise<InvitationAcceptedView> {
    return toAcceptedView(await this.acceptance.accept(actor, request));
  }
}
