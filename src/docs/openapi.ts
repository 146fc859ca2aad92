import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { documentOfrep, OFREP_MODELS } from '../features/openfeature/ofrep.openapi.js';
import { documentLimits } from '../limits/limits.openapi.js';
import { PROBLEM_EXTENSION, ProblemView } from '../kernel/api-problems.js';
import { API_KEY_SCHEME, KEY_ONLY_EXTENSION, type Requirement } from '../kernel/authorize.js';
import { errors, type ErrorCode } from '../kernel/errors.js';
import { VERSION } from '../kernel/version.js';
import { VERSIONED_EXTENSION } from '../kernel/versions.js';

/** The groups of the document, in the order in which somebody new meets them. */
const TAGS: readonly [name: string, description: string][] = [
  ['Sign-in', 'From e-mail and password to tokens, and from an old refresh token to new ones.'],
  ['Registration', 'Making an account and proving its e-mail address.'],
  ['Sessions', 'Where somebody is signed in, and ending it.'],
  ['Passwords', 'Forgotten and changed passwords.'],
  ['Profile', 'The signed-in person: profile, e-mail address, security events.'],
  ['Organizations', 'Tenants and who belongs to them.'],
  ['Members', 'Who belongs to an organization, and as what.'],
  ['Roles', 'What roles permit, roles of your own, and what you may do.'],
  ['API keys', 'What programs show instead of a session, and the service accounts that they can act as.'],
  ['Invitations', 'Asking people to join an organization, and accepting it.'],
  ['Plans', 'What organizations may have of what is limited.'],
  ['Policies', 'What an organization asks of the sign-ins of its members.'],
  ['Domains', 'Names on the internet that an organization proves to be its own, by a record in DNS.'],
  ['Environments', 'Where a customer’s product runs: features and API keys are of one.'],
  ['Features', 'What the customer’s product can do: values, dependencies, conflicts, plans, and what each is where.'],
  [
    'Feature changes',
    'Who changed what of features, when and why; taking it back; asking for changes, approving and scheduling them.',
  ],
  ['Segments', 'Conditions that rules of many features share.'],
  ['Feature templates', 'Values of many features that are given to many organizations at once.'],
  ['Evaluation', 'What features are for somebody, and why.'],
  ['Entitlements', 'What an organization has of each feature and why, values of its own, and limits that are used up.'],
  ['Feature usage', 'What callers were told of features, by day, and which features can probably go.'],
  ['Widgets', 'What can be placed on dashboards, and what of it an organization can use.'],
  ['Dashboards', 'What each member arranged for themselves.'],
  ['OpenFeature', 'The same for the SDKs of OpenFeature, by its Remote Evaluation Protocol (OFREP 0.3.0).'],
  ['Purge', 'Removing test data, or everything, for good: planned, confirmed by a phrase, and looked at afterwards.'],
  ['Administration', 'People, for platform admins.'],
  ['Audit', 'The trail of what happened.'],
  ['Webhooks', 'Telling other programs what the trail says.'],
  ['Mail', 'Mails that were sent, or kept where no server is configured.'],
  ['Cleanup', 'What has expired, how it leaves, and when.'],
  ['Jobs', 'What runs outside of requests, in a browser.'],
  ['System', 'What this is and how it does.'],
];

const DESCRIPTION = `Accounts and sign-in, organizations, feature management, audit and data lifecycle.

**To try calls here:**
1. Below, under **Sign-in**, open \`POST /api/v1/auth/login\`, put your e-mail address and password into the body, and execute it.
   The first start printed those of the platform admin; \`npm run admin:reset -- EMAIL\` prints a new password.
2. Copy the \`accessToken\` of the answer, without its quotes.
3. Choose **Authorize**, paste it, authorize and close. It is good for 15 minutes.
4. Every call with a lock is now made as you; \`GET /api/v1/users/me\`, under **Profile**, says who that is.

An API key goes into \`X-API-Key\` of **Authorize**, with no access token beside it.

Bodies are JSON with camelCase names, times are ISO 8601 in UTC, ids are UUIDs. Every error is
\`application/problem+json\` with a stable \`code\`; [all of them are listed](docs/errors).`;

/** The OpenAPI document of an application. The same application gives the same text. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Tenon')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'The `accessToken` of a login, or an API key',
    })
    .addApiKey(
      {
        type: 'apiKey',
        in: 'header',
        name: 'X-API-Key',
        description: 'An API key; instead of the `accessToken`, never beside it',
      },
      API_KEY_SCHEME,
    );
  for (const [name, description] of TAGS) config.addTag(name, description);
  const document = SwaggerModule.createDocument(app, config.build(), {
    extraModels: [ProblemView, ...OFREP_MODELS],
    operationIdFactory: (_controller, method) => method,
  });
  documentOfrep(document);
  for (const operation of operationsOf(document)) {
    sayWhoMayCall(operation);
    easeQuery(operation);
    addProblems(operation);
  }
  dropUnicodePatterns(document);
  documentLimits(document);
  addRequestId(document);
  addETag(document);
  return sorted(document);
}

interface Response {
  headers?: Record<string, object>;
}
interface Parameter {
  in: string;
  required?: boolean;
  description?: string;
  schema?: { default?: unknown; example?: unknown };
}
interface Operation {
  description?: string;
  'x-required-permission'?: Requirement;
  [VERSIONED_EXTENSION]?: true;
  [KEY_ONLY_EXTENSION]?: true;
  parameters?: Parameter[];
  requestBody?: object;
  responses: Record<string, Response>;
  [extension: `${typeof PROBLEM_EXTENSION}${string}`]: unknown;
}

const BODY_PROBLEMS = ['validation_failed', 'malformed_json', 'payload_too_large', 'unsupported_media_type'] as const;

function operationsOf(document: OpenAPIObject): Operation[] {
  return Object.values(document.paths).flatMap((path) => Object.values(path) as Operation[]);
}

/** Says in words what a call needs: Swagger UI does not show extensions. */
function sayWhoMayCall(operation: Operation): void {
  const requirement = operation['x-required-permission'];
  const keyOnly = operation[KEY_ONLY_EXTENSION];
  delete operation[KEY_ONLY_EXTENSION];
  if (requirement === undefined || requirement === 'session') return;
  const who = keyOnly ? `Needs an API key with the scope \`${requirement}\`.` : whoMayCall(requirement);
  operation.description = [operation.description, who].filter(Boolean).join('\n\n');
}

function whoMayCall(requirement: Requirement): string {
  if (requirement === 'platform-admin') return 'For platform admins.';
  return requirement === 'member' ? 'For every member.' : `Needs the permission \`${requirement}\`.`;
}

/**
 * Takes out patterns with classes of Unicode: those in a document have no flag `u` (OpenAPI 3.0), and without it `\p{L}`
 * means the letter p and braces. Swagger UI would refuse what the API takes.
 */
function dropUnicodePatterns(node: object): void {
  if ('pattern' in node && typeof node.pattern === 'string' && /\\p\{/i.test(node.pattern)) delete node.pattern;
  for (const inner of Object.values(node) as unknown[])
    if (typeof inner === 'object' && inner !== null) dropUnicodePatterns(inner);
}

/**
 * What has a default need not be given. Swagger UI fills the example of a parameter in and sends it: a filter's stands in
 * its description instead, so that a call as it is shows the whole list.
 */
function easeQuery({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if (parameter.in !== 'query' || !parameter.schema) continue;
    const { schema } = parameter;
    if ('default' in schema) parameter.required = false;
    if (parameter.required || !('example' in schema) || 'default' in schema) continue;
    parameter.description = `${parameter.description} Example: \`${String(schema.example)}\`.`;
    delete schema.example;
  }
}

/** Turns the codes that a route names, and those that its shape implies, into responses, one for each status. */
function addProblems(operation: Operation): void {
  const codes: ErrorCode[] = [];
  for (const extension of Object.keys(operation)) {
    if (!isProblem(extension)) continue;
    codes.push(extension.slice(PROBLEM_EXTENSION.length) as ErrorCode);
    delete operation[extension];
  }
  const has = (place: string): boolean => operation.parameters?.some((parameter) => parameter.in === place) ?? false;
  const all = new Set<ErrorCode>([
    ...(operation.requestBody ? BODY_PROBLEMS : []),
    ...(has('query') ? (['validation_failed'] as const) : []),
    ...(has('path') ? (['not_found'] as const) : []),
    ...codes,
    'internal_error',
    'service_unavailable',
  ]);
  const byStatus = Map.groupBy(all, (code) => errors[code].status);
  for (const [status, group] of byStatus) {
    // Health has an answer of its own for 503.
    if (operation.responses[status]) continue;
    operation.responses[status] = {
      description: group.map((code) => `\`${code}\`: ${errors[code].title}`).join('; '),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/ProblemView' },
          example: exampleOf(group[0]!),
        },
      },
    } as Response;
  }
}

function isProblem(extension: string): extension is `${typeof PROBLEM_EXTENSION}${string}` {
  return extension.startsWith(PROBLEM_EXTENSION);
}

function exampleOf(code: ErrorCode): object {
  const { status, title } = errors[code];
  return {
    type: `https://tenon.example/docs/errors#${code}`,
    title,
    status,
    detail: title,
    code,
    requestId: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00',
    ...(code === 'validation_failed' && {
      errors: [{ field: 'email', code: 'is_email', message: 'email must be an email' }],
    }),
  };
}

/** Every answer carries the id of its request. */
function addRequestId(document: OpenAPIObject): void {
  document.components = {
    ...document.components,
    headers: {
      ...document.components?.headers,
      'X-Request-Id': {
        description: 'Id of the request, on log lines, audit entries and errors',
        schema: { type: 'string', format: 'uuid' },
        example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00',
      },
    },
  };
  for (const { responses } of operationsOf(document))
    for (const response of Object.values(responses))
      response.headers = { ...response.headers, 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } };
}

/** What has a version carries it as ETag. */
function addETag(document: OpenAPIObject): void {
  document.components!.headers!.ETag = {
    description: 'The version of what is answered; send it as `If-Match` with a change',
    schema: { type: 'string' },
    example: '"3"',
  };
  for (const operation of operationsOf(document)) {
    if (!operation[VERSIONED_EXTENSION]) continue;
    delete operation[VERSIONED_EXTENSION];
    for (const status of ['200', '201'])
      if (operation.responses[status])
        operation.responses[status].headers = {
          ...operation.responses[status].headers,
          ETag: { $ref: '#/components/headers/ETag' },
        };
  }
}

/** Paths, components and responses by name: the order of the modules' loading is none to commit. */
function sorted(document: OpenAPIObject): OpenAPIObject {
  for (const operation of operationsOf(document)) operation.responses = byName(operation.responses);
  document.paths = byName(document.paths);
  const components = document.components as Record<string, Record<string, unknown>>;
  for (const kind of Object.keys(components)) components[kind] = byName(components[kind]!);
  return document;
}

function byName<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
