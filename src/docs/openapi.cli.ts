import { readFile, writeFile } from 'node:fs/promises';
import { loadEnv } from '../../config/env.js';
import { createApp } from '../app.setup.js';
import { openApiDocument } from './openapi.js';

const FILE = 'openapi.json';

// Writes openapi.json, or with --check says whether the committed one is current. Builds the application without
// starting it: no database is needed, and nothing of this machine's environment comes into the document.
const env = loadEnv({ NODE_ENV: 'test', DATABASE_URL: 'postgres://nobody@127.0.0.1/nothing' });
const app = await createApp(env, [{ id: 'none', key: Buffer.alloc(32) }]);
const written = `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
if (!process.argv.includes('--check')) {
  await writeFile(FILE, written);
} else if (written !== (await readFile(FILE, 'utf8').catch(() => ''))) {
  process.stderr.write(`${FILE} is not what the application says. Run: npm run openapi\n`);
  process.exitCode = 1;
}
await app.close();
