import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'rolldown/utils';
import { __decorate, __metadata, __param } from 'tslib';

// Lets a child process run the sources as they are: `node --import ./test/harness/typescript.mjs file.ts`. Node itself
// strips types, but knows no decorators. By Vitest's own compiler: the application is there after 1.3 s of CPU, and
// after 8 s when TypeScript translates it.
globalThis.babelHelpers = { decorate: __decorate, decorateMetadata: __metadata, decorateParam: __param };
const options = {
  tsconfig: false,
  decorator: { legacy: true, emitDecoratorMetadata: true },
  // As useDefineForClassFields: false has it.
  assumptions: { setPublicClassFields: true },
  typescript: { removeClassFieldsWithoutInitializer: true },
  helpers: { mode: 'External' },
};

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && !context.parentURL?.includes('/node_modules/')) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true };
    }
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    const fileName = fileURLToPath(url);
    const { code, errors } = transformSync(fileName, readFileSync(fileName, 'utf8'), options);
    if (errors.length > 0) throw errors[0];
    return { format: 'module', source: code, shortCircuit: true };
  },
});
