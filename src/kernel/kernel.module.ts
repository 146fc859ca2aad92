import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Env, type SecretKey } from '../../config/env.js';
import { Answers } from './answers.js';
import { Readiness } from './readiness.js';
import { SecretBox } from './secrets.js';

/** What every room may ask for: the environment, secrets at rest, readiness. */
@Global()
@Module({})
export class KernelModule {
  /** @param keys of the environment, or those generated in the data folder. */
  static forRoot(env: Env, keys: readonly SecretKey[]): DynamicModule {
    return {
      module: KernelModule,
      providers: [
        { provide: Env, useValue: env },
        { provide: SecretBox, useValue: new SecretBox(keys) },
        Readiness,
        Answers,
      ],
      exports: [Env, SecretBox, Readiness, Answers],
    };
  }
}
