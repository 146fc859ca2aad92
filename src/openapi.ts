import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { Env } from '../config/env.js';
import { documentLimits } from './limits/limits.openapi.js';
import { PROBLEM_CODES, ProblemView } from './kernel/api-problems.js';
import { errors, type ErrorCode } from './kernel/errors.js';
import { VERSION } from './kernel/version.js';

/** The OpenAPI document of an application. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Tenon')
    .setDescription('Accounts and sign-in, organizations, feature management, audit and data lifecycle.')
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The accessToken of a login' })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    extraModels: [ProblemView],
    operationIdFactory: (_controller, method) => method,
  });
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path)) addProblems(operation as Operation);
  documentLimits(document);
  return document;
}

interface Operation {
  responses: Record<string, unknown>;
  [PROBLEM_CODES]?: ErrorCode[];
}

/** Turns the codes that a route names into responses, one for each status. */
function addProblems(operation: Operation): void {
  const codes = operation[PROBLEM_CODES];
  delete operation[PROBLEM_CODES];
  if (!codes) return;
  const byStatus = Map.groupBy(
    [...codes, 'internal_error', 'service_unavailable'] as ErrorCode[],
    (code) => errors[code].status,
  );
  for (const [status, group] of [...byStatus].sort(([a], [b]) => a - b))
    operation.responses[status] = {
      description: [...new Set(group)].map((code) => `\`${code}\`: ${errors[code].title}`).join('; '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemView' } } },
    };
}

/** Serves Swagger UI at `/docs` and the document at `/docs/openapi.json`. */
export function setUpDocs(app: NestFastifyApplication, env: Env): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs/openapi.json',
    customSiteTitle: `Tenon API at ${env.publicUrl}`,
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true },
  });
}
