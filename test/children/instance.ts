import { setTimeout as sleep } from 'node:timers/promises';
import { loadEnv } from '../../config/env.js';
import { createApp } from '../../src/app.setup.js';
import { Readiness } from '../../src/kernel/readiness.js';

// An instance like any other, for a parent that kills it.
const env = loadEnv();
const app = await createApp(env, [{ id: 'test', key: Buffer.alloc(32, 7) }]);
await app.listen(env.port, '127.0.0.1');
await app.get(Readiness).startUp(() => undefined, sleep);
process.stdout.write('ready\n');
