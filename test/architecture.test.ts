import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The rooms from the ground up (DESIGN 3). A room imports from the rows above its own; equals never import each other. */
const ROOMS = [
  ['kernel'],
  ['database'],
  ['jobs'],
  ['audit', 'mail', 'sms', 'limits', 'cache'],
  ['environments', 'users'],
  ['organizations'],
  ['auth', 'features'],
  ['privacy', 'cleanup', 'purge', 'webhooks'],
  ['admin'],
  ['docs'],
  ['commands'],
];

const entries = readdirSync('src', { withFileTypes: true });
/** Commands stand beside `main.ts`: they put the rooms together themselves. */
const rooms = entries.filter((entry) => entry.isDirectory() && entry.name !== 'commands').map(({ name }) => name);
/** What puts the rooms together; no room imports it. */
const above = entries
  .filter((entry) => entry.isFile() && !/\.(cli|spec)\.ts$|^main\.ts$/.test(entry.name))
  .map(({ name }) => name.replace(/\.ts$/, ''))
  .toSorted();

/** The rooms that a room may not import: its equals and those above. */
function forbidden(room: string): string[] {
  const row = ROOMS.findIndex((names) => names.includes(room));
  return ROOMS.slice(row)
    .flat()
    .filter((name) => name !== room);
}

interface Override {
  files: string[];
  rules: { 'no-restricted-imports'?: [string, { patterns: { regex: string }[] }] };
}
const { overrides } = JSON.parse(readFileSync('.oxlintrc.json', 'utf8').replaceAll(/^\s*\/\/.*$/gm, '')) as {
  overrides: Override[];
};

describe('DESIGN 3: the direction of imports', () => {
  it.each(rooms)('.oxlintrc.json holds it for %s', (room) => {
    expect(ROOMS.flat()).toContain(room);
    const override = overrides.find(
      ({ files, rules }) => rules['no-restricted-imports'] && files.includes(`src/${room}/**/*.ts`),
    );
    const higher = forbidden(room).join('|');
    const files = above.map((name) => name.replaceAll('.', '\\.')).join('|');
    expect(override?.rules['no-restricted-imports']?.[1].patterns.map(({ regex }) => regex)).toContain(
      `^(\\.\\./)+(${higher && `(${higher})/|`}(${files})\\.js$)`,
    );
  });

  it('goes one way, however an import is written', () => {
    const outside = /\.(cli|spec)\.ts$|^src\/commands\//;
    const files = globSync('src/*/**/*.ts').filter((path) => !outside.test(path));
    const broken = files.flatMap((path) => {
      const room = path.split('/')[1]!;
      return [...readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
        .map(([, specifier]) => relative('src', join(dirname(path), specifier!)))
        .filter(
          (target) =>
            !target.startsWith('..') && (!target.includes('/') || forbidden(room).includes(target.split('/')[0]!)),
        )
        .map((target) => `${path} imports ${target}`);
    });
    expect(broken).toEqual([]);
  });
});

describe('P3: the document names each shape once', () => {
  it('no two requests or responses have one name', () => {
    const names = globSync('src/**/*.{dto,view}.ts').flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/^export class (\w+)/gm)].map(([, name]) => name!),
    );
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });
});
