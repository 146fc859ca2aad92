import { mkdir, writeFile } from 'node:fs/promises';
import { permissionsMarkdown } from './permissions-page.js';

// Writes docs/permissions.md from the table.
await mkdir('docs', { recursive: true });
await writeFile('docs/permissions.md', permissionsMarkdown());
