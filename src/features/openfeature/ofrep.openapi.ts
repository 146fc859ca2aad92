import { type OpenAPIObject, getSchemaPath } from '@nestjs/swagger';
import { PROBLEM_EXTENSION } from '../../kernel/api-problems.js';
import { API_KEY_SCHEME, KEY_ONLY_EXTENSION } from '../../kernel/authorize.js';
import type { ErrorCode } from '../../kernel/errors.js';
import { LIMIT_EXTENSION } from '../../limits/limit.decorator.js';
import { OfrepEvaluationRequest } from './ofrep.dto.js';
import { EVENTS_PATH } from './ofrep.service.js';
import { OfrepBulkFailureView, OfrepBulkView, OfrepFailureView, OfrepFlagView } from './ofrep.view.js';

/** The schemas that {@link documentOfrep} refers to. */
export const OFREP_MODELS = [
  OfrepEvaluationRequest,
  OfrepFlagView,
  OfrepFailureView,
  OfrepBulkView,
  OfrepBulkFailureView,
];

type Model = (typeof OFREP_MODELS)[number];

const json = (description: string, model: Model, headers?: object) => ({
  description,
  content: { 'application/json': { schema: { $ref: getSchemaPath(model) } } },
  ...(headers && { headers }),
});
const text = (name: string, place: string, description: string, example: string, required = false) => ({
  name,
  in: place,
  required,
  description,
  schema: { type: 'string', example },
});
const problems = (...codes: ErrorCode[]): object =>
  Object.fromEntries(codes.map((code) => [`${PROBLEM_EXTENSION}${code}`, true]));

/** What an event said, which a client repeats when it asks again (ADR 8 of OFREP). */
const SAID = [
  text(
    'flagConfigEtag',
    'query',
    'The `etag` of the event that made the client ask again; ignored.',
    'rbNwfuWepK0ia66bcq6tx9',
  ),
  text('flagConfigLastModified', 'query', 'The `lastModified` of that event; ignored.', '1771622898'),
];
const KEY = {
  security: [{ bearer: [] }, { [API_KEY_SCHEME]: [] }],
  'x-required-permission': 'features:evaluate',
  [KEY_ONLY_EXTENSION]: true,
  ...problems(
    'authentication_required',
    'token_invalid',
    'permission_denied',
    'organization_inactive',
    'ip_not_allowed',
    'rate_limit_exceeded',
  ),
  requestBody: {
    required: false,
    content: { 'application/json': { schema: { $ref: getSchemaPath(OfrepEvaluationRequest) } } },
  },
  // Evaluating costs no statement, and so it is not counted in one.
  [LIMIT_EXTENSION]: false,
};

/** Adds the routes of OFREP, which no controller describes. */
export function documentOfrep(document: OpenAPIObject): void {
  const paths = document.paths as Record<string, object>;
  paths['/ofrep/v1/evaluate/flags/{key}'] = {
    post: {
      operationId: 'evaluateFlag',
      summary: 'Says what one flag is for a context, by OFREP.',
      description: 'In the organization and the environment of the API key.',
      tags: ['OpenFeature'],
      ...KEY,
      parameters: [text('key', 'path', 'Key of the feature.', 'reports', true), ...SAID],
      responses: {
        200: json('The flag', OfrepFlagView),
        400: json(
          'What is wrong with the request: `PARSE_ERROR`, `INVALID_CONTEXT`, `TARGETING_KEY_MISSING`',
          OfrepFailureView,
        ),
        404: json(
          '`FLAG_NOT_FOUND`: no such feature, or one that is not evaluated (a draft, or archived)',
          OfrepFailureView,
        ),
        500: json('`GENERAL`: something went wrong on our side', OfrepFailureView),
      },
    },
  };
  paths['/ofrep/v1/evaluate/flags'] = {
    post: {
      operationId: 'evaluateFlags',
      summary: 'Says what all flags are for a context, by OFREP.',
      description:
        'In the organization and the environment of the API key. With the entity tag of the last answer in `If-None-Match` the answer is 304 while configuration, plan, overrides and context are the same; after five minutes the address of the stream is another, and so is the answer.',
      tags: ['OpenFeature'],
      ...KEY,
      parameters: [
        text('If-None-Match', 'header', 'Entity tags of answers that the client has.', '"rbNwfuWepK0ia66bcq6tx9"'),
        ...SAID,
      ],
      responses: {
        200: json('All flags', OfrepBulkView, {
          ETag: { description: 'Names this answer', schema: { type: 'string' }, example: '"rbNwfuWepK0ia66bcq6tx9"' },
        }),
        304: { description: 'The client has this answer already' },
        400: json('What is wrong with the request: `PARSE_ERROR`, `INVALID_CONTEXT`', OfrepBulkFailureView),
        500: json('`GENERAL`: something went wrong on our side', OfrepBulkFailureView),
      },
    },
  };
  paths[EVENTS_PATH] = {
    get: {
      operationId: 'streamFlagChanges',
      summary: 'Tells when flags may have changed, as server-sent events.',
      description:
        'Its address is in `eventStreams` of an answer with all flags. An event says that the flags have to be asked again: when configuration, plan or overrides change, when an override ends, and when a condition on time changes its mind.',
      tags: ['OpenFeature'],
      ...problems('token_invalid', 'rate_limit_exceeded'),
      parameters: [
        text('token', 'query', 'Opens the stream for some minutes.', 'WyIw….k1.Qkp…', true),
        text(
          'state',
          'query',
          'What the client knows; it is told at once when it has missed something.',
          'rbNwfuWepK0ia66bcq6tx9',
        ),
        text('Last-Event-ID', 'header', 'The last event that the client has heard.', 'rbNwfuWepK0ia66bcq6tx9'),
      ],
      responses: {
        200: {
          description: 'Events whose data is `{"type":"refetchEvaluation","etag":"…"}`',
          content: {
            'text/event-stream': {
              schema: { type: 'string', example: 'id: rbNw\ndata: {"type":"refetchEvaluation","etag":"rbNw"}\n\n' },
            },
          },
        },
      },
      [LIMIT_EXTENSION]: false,
    },
  };
}
