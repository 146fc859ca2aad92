import type { SecurityHeadersOptions } from '@nestjs/common';
import type { Env } from '../../config/env.js';

/** Answers are data: nothing in them may run or load anything. What is a page of ours says what it needs. */
export function securityHeaders({ publicUrl }: Env): SecurityHeadersOptions {
  const https = publicUrl.startsWith('https:');
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: "'none'",
        baseUri: "'none'",
        formAction: "'none'",
        frameAncestors: "'none'",
      },
    },
    xFrameOptions: { action: 'deny' },
    // Browsers ignore these on plain HTTP, and complain. Sub-domains of our host are somebody else's to decide.
    strictTransportSecurity: https && { includeSubDomains: false },
    crossOriginOpenerPolicy: https,
    originAgentCluster: https,
  };
}

/**
 * What pages of ours may load: our own script and style sheet and calls of our own API, and nothing else; no text can become
 * markup in a sink.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** What browsers of the origins in CORS_ORIGINS may read besides the body. */
export const EXPOSED_HEADERS = ['etag', 'ratelimit', 'ratelimit-policy', 'retry-after', 'x-request-id'];

/** What pages of those origins may send. */
export const ALLOWED_HEADERS = [
  'authorization',
  'content-type',
  'if-match',
  'if-none-match',
  'idempotency-key',
  'x-api-key',
];

/** How long a browser may remember it. */
export const PREFLIGHT_SECONDS = 600;

/** What pages of other origins may ask. */
export function crossOrigin({ corsOrigins }: Env) {
  return {
    origin: [...corsOrigins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  };
}
