import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Unlimited } from '../../limits/limit.decorator.js';
import { Public } from '../../kernel/authorize.js';
import { JwksView } from './jwks.view.js';
import { SigningKeys } from './signing-keys.js';

@ApiTags('System')
@Unlimited()
@Controller('.well-known/jwks.json')
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  /** The public keys that access tokens are verified with. */
  @Get()
  @Public()
  @Header('cache-control', 'public, max-age=300')
  jwks(): JwksView {
    return { keys: this.keys.published() };
  }
}
