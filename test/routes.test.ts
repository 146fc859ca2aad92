import { readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import supertest from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadEnv } from '../config/env.js';
import { createApp } from '../src/app.setup.js';
import { ACCESS, type Access } from '../src/kernel/authorize.js';
import { newId } from '../src/kernel/ids.js';
import { Readiness } from '../src/kernel/readiness.js';
import { ADMIN, freePort, TEST_KEYS, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { newPerson, type Person, signInAdmin } from './harness/people.js';

/** A handler of a controller, with the access that it declares. */
interface Route {
  name: string;
  access: Access | undefined;
  documented: boolean;
}

let app: NestFastifyApplication;
let db: TestDatabase;
let port: number;
let tenon: TestApp;
let member: Person;
/** The organization that they own. */
let organizationId: string;
let admin: Person;
let routes: Route[];
/** `GET /path/:id` of everything that Fastify serves. */
const served: string[] = [];
/** Those of the job board, a library's own. */
const ofBoard: [method: string, url: string][] = [];
/** The handlers that a request came through to, past every guard. */
let reached: string[] = [];

beforeAll(async () => {
  db = await createDatabase();
  port = await freePort();
  const env = loadEnv({
    NODE_ENV: 'test',
    PORT: String(port),
    DATABASE_URL: db.appUrl,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    RATE_LIMITS: 'off',
    DOCS: 'off',
  });
  app = await createApp(env, TEST_KEYS);
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat())
      if (/^\/admin\/jobs(?!\/sign-in)/.test(url)) ofBoard.push([one, url]);
      else served.push(`${one} ${url}`);
  });
  app.useGlobalInterceptors({
    // Runs after every guard: whoever gets here was let in.
    intercept: (context, next) => {
      reached.push(`${context.getClass().name}.${context.getHandler().name}`);
      return next.handle();
    },
  });
  await app.listen(port, '127.0.0.1');
  const readiness = app.get(Readiness);
  await readiness.startUp((step, error) => {
    throw new Error(`start step ${step} failed`, { cause: error });
  }, sleep);
  const url = `http://127.0.0.1:${port}`;
  tenon = { app, url, db, http: supertest(url), close: () => app.close() };
  routes = handlers(app);
  [admin, member] = [await signInAdmin(tenon), await newPerson(tenon, { organizationName: 'Analytical Engines' })];
  const { body } = await tenon.http.get('/api/v1/organizations').set(member.auth).expect(200);
  organizationId = body.data[0].id;
});
afterAll(async () => {
  app.get(Readiness).stopping = true;
  await app.close();
  await db.drop();
});
beforeEach(() => {
  reached = [];
});

function handlers(from: NestFastifyApplication): Route[] {
  const scanner = new MetadataScanner();
  const metadata = <T>(key: string | symbol, ...targets: object[]): T | undefined =>
    targets.map((target) => Reflect.getMetadata(key, target) as T | undefined).find((value) => value !== undefined);
  return [...from.get(ModulesContainer).values()]
    .flatMap((module) => [...module.controllers.values()])
    .flatMap(({ metatype }) =>
      scanner.getAllMethodNames(metatype!.prototype as object).flatMap((name) => {
        const handler = (metatype!.prototype as Record<string, object>)[name]!;
        if (metadata(METHOD_METADATA, handler) === undefined) return [];
        const paths = [metadata<string | string[]>(PATH_METADATA, handler)].flat();
        return paths.map(() => ({
          name: `${metatype!.name}.${name}`,
          access: metadata<Access>(ACCESS, handler, metatype!),
          documented:
            !metadata('swagger/apiExcludeController', metatype!) && !metadata('swagger/apiExcludeEndpoint', handler),
        }));
      }),
    );
}

interface Answer {
  status: number;
  body: string;
  headers: IncomingHttpHeaders;
}

/** Sends the path as it stands: a URL would be normalised on the way. */
function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const body = ['POST', 'PUT', 'PATCH'].includes(method) ? '{}' : undefined;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, body: text, headers: answer.headers }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

interface Operation {
  method: string;
  path: string;
  operation: { security?: object[]; operationId?: string; 'x-required-permission'?: string };
}

const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation['operation']>>;
};
const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
// An empty requirement beside another says that a session is taken, and not asked for.
const closed = operations.filter(({ operation }) =>
  operation.security?.every((requirement) => Object.keys(requirement).length > 0),
);
/** What is served beside the application, which `ofrep.test.ts` sees to as well. */
const isOfrep = (path: string): boolean => path.startsWith('/ofrep/');
const ofGuard = operations.filter(({ path }) => !isOfrep(path));
const filled = (path: string): string => path.replaceAll(/\{\w+\}/g, newId());

describe('P3 routes and document', () => {
  it('closed by default: every route says who may call it', () => {
    expect(routes.length).toBeGreaterThan(30);
    expect(routes.filter(({ access }) => access === undefined).map(({ name }) => name)).toEqual([]);
  });

  it('every route is in openapi.json, and everything there is served (npm run openapi)', () => {
    const documented = ofGuard.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    expect(documented.filter((route) => !served.includes(route))).toEqual([]);
    // What is served beside the documented API: the pages behind the links of mails.
    const beside = served.filter((route) => !documented.includes(route));
    expect(
      beside.filter(
        (route) =>
          !/^GET \/((verify-email|reset-password|accept-invitation|(confirm|undo)-email-change)$|pages\/|assets\/|admin\/jobs\/sign-in|cleanup-report(\.js)?$)/.test(
            route,
          ),
      ),
    ).toEqual([]);
    expect(routes.filter(({ documented: shown }) => shown)).toHaveLength(documented.length);
    expect(served).toHaveLength(routes.length);
  });

  it('every route of the job board is closed to strangers, and to who is no platform admin', async () => {
    expect(ofBoard.length).toBeGreaterThan(30);
    const token = member.auth.authorization.slice('Bearer '.length);
    for (const [method, url] of ofBoard) {
      const stranger = await send(method, url);
      if (stranger.status === 302) expect(stranger.headers.location).toBe('/admin/jobs/sign-in');
      else expect([method, url, stranger.status]).toEqual([method, url, 401]);
      const other = await send(method, url, { cookie: `tenon_job_board=${token}` });
      expect([method, url, other.status]).toEqual([method, url, 403]);
    }
  });

  it.each(operations.filter(({ path }) => isOfrep(path)))('$method $path is served', async ({ method, path }) => {
    expect((await send(method, filled(path))).status).toBe(401);
  });

  it('the document says of each route what its guard asks', () => {
    const required = closed
      .filter(({ path }) => !isOfrep(path))
      .map(({ operation }) => operation['x-required-permission']);
    const declared = routes.flatMap(({ access }) => (access && !access.public ? [access.requirement] : []));
    expect(required.toSorted()).toEqual(declared.toSorted());
  });
});

describe('A7 who is not signed in', () => {
  it.each(closed)('$method $path answers 401 without a token', async ({ method, path }) => {
    const { status, body, headers } = await send(method, filled(path));
    expect(status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ code: 'authentication_required' });
    expect(headers['www-authenticate']).toMatch(/^Bearer/);
    expect(reached).toEqual([]);
  });

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Basic YWRtaW46YWRtaW4=',
    'bearer null',
    'Bearer undefined',
    'Bearer a b',
    `Bearer ${'x'.repeat(4000)}`,
  ])('authorization "%s" is refused everywhere', async (authorization) => {
    for (const { method, path } of closed) {
      const { status, headers } = await send(method, filled(path), { authorization });
      expect(status).toBe(401);
      // RFC 6750, 3: the challenge is in every refusal of a token.
      expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    }
    expect(reached).toEqual([]);
  });
});

/** The same address, written in another way. */
const VARIANTS: [string, (path: string) => string][] = [
  ['//', (path) => `/${path}`],
  ['a doubled slash inside', (path) => path.replace('/v1/', '/v1//')],
  ['a trailing slash', (path) => `${path}/`],
  ['/.', (path) => `${path}/.`],
  ['%2e', (path) => path.replace('/v1/', '/v1/%2e/')],
  ['..', (path) => path.replace('/v1/', '/v1/x/../')],
  ['%2e%2e', (path) => path.replace('/v1/', '/v1/x/%2e%2e/')],
  ['%2f', (path) => path.replace('/v1/', '%2fv1/')],
  ['a backslash', (path) => path.replace('/v1/', '/v1\\')],
  ['upper case', (path) => path.replace('/api/v1', '/API/V1')],
  ['upper case at the end', (path) => path.replace(/[^/]+$/, (last) => last.toUpperCase())],
  ['a matrix parameter', (path) => `${path};a=b`],
  ['%00', (path) => `${path}%00`],
  ['%20', (path) => `${path}%20`],
  ['.json', (path) => `${path}.json`],
  ['a full-width letter', (path) => path.replace('api', '%EF%BD%81pi')],
  ['a broken escape', (path) => `${path}%ff%zz`],
];

describe('case 10: another way to write an address', () => {
  const api = operations.filter(({ path }) => path.startsWith('/api/'));

  it.each(VARIANTS)('%s reaches no handler', async (_, vary) => {
    for (const { method, path } of api) {
      const address = filled(path);
      const varied = vary(address);
      // A variant that is the address itself, such as upper case of a UUID's digits, is no variant.
      if (varied === address) continue;
      const { status } = await send(method, varied);
      expect([400, 401, 404], `${method} ${varied}`).toContain(status);
    }
    expect(reached).toEqual([]);
  });

  it('an encoded letter is the same address, behind the same guard', async () => {
    const address = '/api/v1/users/%6de';
    expect((await send('GET', address)).status).toBe(401);
    expect(reached).toEqual([]);
    expect(JSON.parse((await send('GET', address, member.auth)).body)).toMatchObject({ id: member.userId });
  });

  it('HEAD, OPTIONS, TRACE and methods of nobody reach no handler', async () => {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'LOCK'])
      for (const { path } of closed)
        expect([400, 401, 404, 405], `${method} ${path}`).toContain(
          (await send(method, filled(path), admin.auth)).status,
        );
    expect(reached).toEqual([]);
  });

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])('%s changes no method', async (header) => {
    const { status } = await send('GET', '/api/v1/users/me', { ...member.auth, [header]: 'DELETE' });
    expect(status).toBe(200);
    expect((await send('POST', '/api/v1/users/me', { ...member.auth, [header]: 'DELETE' })).status).toBe(404);
    expect((await send('GET', '/api/v1/users/me?_method=DELETE', member.auth)).status).not.toBe(202);
    expect(reached.filter((handler) => !/\.(me|getMe|profile)/i.test(handler))).toEqual([]);
  });
});

describe('O8 a member is no platform admin', () => {
  const adminsAlone = closed.filter(({ operation }) => operation['x-required-permission'] === 'platform-admin');
  const names = new Set(adminsAlone.map(({ operation }) => operation.operationId));

  it.each(adminsAlone)('$method $path is refused to a member, in every way to write it', async ({ method, path }) => {
    // Of another organization they learn not even that much; `tenant-walk.test.ts` sees to those.
    const own = path.replace('{organizationId}', organizationId);
    expect((await send(method, filled(own), member.auth)).status).toBe(403);
    for (const [name, vary] of VARIANTS) {
      const address = filled(own);
      if (vary(address) !== address)
        expect([400, 403, 404], name).toContain((await send(method, vary(address), member.auth)).status);
    }
    // `/features/changes.json` is another address: that of a feature, which members may read.
    expect(reached.filter((handler) => names.has(handler.split('.')[1]))).toEqual([]);
  });
});
