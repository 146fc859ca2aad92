import { Controller, Get } from '@nestjs/common';
import { Authorize } from '../src/kernel/authorize.js';
import { probe } from './probe.js';

@Controller('bench')
class BenchController {
  @Get()
  @Authorize('session')
  answer(): { ok: boolean } {
    return { ok: true };
  }
}

await probe(BenchController);
