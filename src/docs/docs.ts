import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { Env } from '../../config/env.js';
import { errorsHtml } from './errors-page.js';
import { openApiDocument } from './openapi.js';

// Swagger UI sets styles from its script and shows icons as data:. It calls this origin only.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Serves the registry of errors at `/docs/errors`, to which each problem's `type` leads; unless DOCS is off, Swagger UI at
 * `/docs` and the document at `/docs/openapi.json`.
 */
export function setUpDocs(app: NestFastifyApplication, env: Env): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.url?.startsWith('/docs')) void reply.header('content-security-policy', POLICY);
    // Addresses within the page are relative, as PUBLIC_URL may have a path; with the slash they would lead one below.
    if (request.routeOptions.url === '/docs/') void reply.redirect('../docs');
    else done();
  });
  const page = errorsHtml();
  fastify.get('/docs/errors', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  if (!env.docs) return;
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs/openapi.json',
    customSiteTitle: `Tenon API at ${env.publicUrl}`,
    // The bar with the logo only takes place.
    customCss: '.swagger-ui .topbar { display: none }',
    swaggerOptions: {
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      // Fields are described where the schema of a body is opened.
      defaultModelExpandDepth: 3,
      displayRequestDuration: true,
      filter: true,
      persistAuthorization: true,
      tryItOutEnabled: true,
    },
  });
}
