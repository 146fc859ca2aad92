import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Env } from '../../config/env.js';
import { Public } from '../kernel/authorize.js';
import { NAME, VERSION } from '../kernel/version.js';
import { RootView } from './health.view.js';

@ApiTags('System')
@Controller()
export class RootController {
  constructor(private readonly env: Env) {}

  /** What this is, and where to go on. */
  @Get()
  @Public()
  root(): RootView {
    const { publicUrl } = this.env;
    return { name: NAME, version: VERSION, docs: `${publicUrl}/docs`, health: `${publicUrl}/health` };
  }
}
