import { applyDecorators, Controller, Get, Header, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Env } from '../../../config/env.js';
import { Public } from '../../kernel/authorize.js';
import { PAGE_POLICY } from '../../kernel/browser-headers.js';
import type { MailPage } from '../../mail/links.js';
import { renderMailPage } from './mail-pages.js';
import { assetCaching, assetsVersion, script, styles } from './page-assets.js';

/** A page whose address holds a secret: kept nowhere, indexed nowhere, told to nobody, shown in no frame. */
const Page = (page: MailPage): MethodDecorator =>
  applyDecorators(
    Get(page),
    Header('content-type', 'text/html; charset=utf-8'),
    Header('cache-control', 'no-store'),
    Header('content-security-policy', PAGE_POLICY),
    Header('referrer-policy', 'no-referrer'),
    Header('x-frame-options', 'DENY'),
    Header('x-robots-tag', 'noindex, nofollow'),
  );

/** The pages behind the links of mails, and what they load. The token is read by the script alone, never here. */
@ApiExcludeController()
@Public()
@Controller()
export class PagesController {
  constructor(private readonly env: Env) {}

  @Page('verify-email')
  verifyEmail(): string {
    return this.render('verify-email');
  }

  @Page('reset-password')
  resetPassword(): string {
    return this.render('reset-password');
  }

  @Page('confirm-email-change')
  confirmEmailChange(): string {
    return this.render('confirm-email-change');
  }

  @Page('undo-email-change')
  undoEmailChange(): string {
    return this.render('undo-email-change');
  }

  @Page('accept-invitation')
  acceptInvitation(): string {
    return this.render('accept-invitation');
  }

  @Get('pages/pages.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  script(@Query('v') version: unknown, @Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.header('cache-control', assetCaching(version));
    return script;
  }

  @Get('pages/pages.css')
  @Header('content-type', 'text/css; charset=utf-8')
  styles(@Query('v') version: unknown, @Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.header('cache-control', assetCaching(version));
    return styles;
  }

  private render(page: MailPage): string {
    return renderMailPage(page, assetsVersion, this.env.passwordMinLength);
  }
}
