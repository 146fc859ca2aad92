import { mkdir, writeFile } from 'node:fs/promises';
import { errorsMarkdown } from './errors-page.js';

// Writes docs/errors.md from the registry.
await mkdir('docs', { recursive: true });
await writeFile('docs/errors.md', errorsMarkdown());
