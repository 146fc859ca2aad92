import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errors } from '../src/kernel/errors.js';

interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  example?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  additionalProperties?: boolean | Schema;
}
interface Content {
  content?: Record<string, { schema?: Schema }>;
}
interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  'x-required-permission'?: string;
  tags?: string[];
  security?: object[];
  parameters?: {
    name: string;
    in: string;
    required: boolean;
    description?: string;
    schema: Schema;
    example?: unknown;
  }[];
  requestBody?: Content;
  responses: Record<string, Content & { description?: string; headers?: Record<string, object> }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  tags: { name: string; description: string }[];
  components: { schemas: Record<string, Schema>; headers: Record<string, object>; securitySchemes: object };
}

// What the build wrote: under Vitest the Swagger plugin does not run and the document would be empty.
const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

/** Every property of a schema and of what stands inside it, with its path. */
function propertiesOf(schema: Schema, path: string): { path: string; property: Schema }[] {
  const inside = [schema.items, ...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
      { path: `${path}.${name}`, property },
      ...propertiesOf(property, `${path}.${name}`),
    ]),
    ...inside.flatMap((inner) => (inner ? propertiesOf(inner, `${path}[]`) : [])),
  ];
}

/** Whether a property only leads to another schema, which has examples of its own. */
function isReference(schema: Schema): boolean {
  return [schema, schema.items, ...(schema.allOf ?? []), ...(schema.oneOf ?? [])].some(
    (one) => one?.$ref !== undefined,
  );
}

describe('P3 the OpenAPI document', () => {
  it('holds every operation of this issue', () => {
    expect(operations.length).toBeGreaterThanOrEqual(30);
  });

  it.each(operations)('$name says what it does, under a tag', ({ operation }) => {
    expect(operation.summary).toMatch(/^\S.{5,}\.$/s);
    expect(operation.tags).toHaveLength(1);
    expect(document.tags.find(({ name }) => name === operation.tags![0])?.description).toBeTruthy();
  });

  it('gives each operation an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  });

  it.each(operations)('$name declares each id in its path once', ({ name: route, operation }) => {
    const declared = operation.parameters?.filter(({ in: place }) => place === 'path').map(({ name }) => name) ?? [];
    expect(declared.toSorted()).toEqual([...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).toSorted());
  });

  it('has no pattern that means something else without the flag u, which Swagger UI would hold against parameters', () => {
    expect(JSON.stringify(document)).not.toMatch(/"pattern":"[^"]*\\\\p\{/i);
  });

  it.each(operations)('$name says who may call it', ({ operation }) => {
    const needs = operation['x-required-permission'];
    if (needs?.includes(':'))
      expect(operation.description).toMatch(
        new RegExp(`Needs (the permission|an API key with the scope) \`${needs}\`\\.`),
      );
    if (needs === 'platform-admin') expect(operation.description).toContain('For platform admins.');
  });

  it('says how many organizations a preview shows, which are fewer than other pages have rows', () => {
    const { parameters } = document.paths['/api/v1/feature-templates/{key}/preview']!.post!;
    expect(parameters).toContainEqual(
      expect.objectContaining({
        name: 'perPage',
        description: expect.stringMatching(/^Organizations/),
        schema: expect.objectContaining({ default: 20, maximum: 50 }),
      }),
    );
  });

  it.each(operations)('$name explains its parameters', ({ operation }) => {
    for (const { name, description, schema } of operation.parameters ?? []) {
      expect(description, name).toMatch(/\S/);
      expect(schema, name).toMatchObject({ type: expect.any(String) });
    }
  });

  /** Whose subject is in the query: Swagger UI asks for it. */
  const ASKING = new Set([
    'POST /api/v1/admin/cleanup/generate-report report_type',
    'GET /api/v1/users/me/permissions organizationId',
    'GET /ofrep/v1/events token',
  ]);
  it.each(operations)('$name asks for no query, and Swagger UI sends none by itself', ({ name: route, operation }) => {
    for (const { name, in: place, required, description, schema } of operation.parameters ?? []) {
      if (place !== 'query') continue;
      expect(required, name).toBe(ASKING.has(`${route} ${name}`));
      if (required) continue;
      if ('default' in schema) continue;
      expect(schema, name).not.toHaveProperty('example');
      expect(description, name).toMatch(/ Example: `.+`\.$/);
    }
  });

  it.each(Object.entries(document.components.schemas))(
    '%s describes each property, with an example',
    (name, schema) => {
      const described = propertiesOf(schema, name);
      expect(
        described.filter(({ property }) => !property.description && !isReference(property)).map(({ path }) => path),
      ).toEqual([]);
      expect(
        described.filter(({ property }) => !('example' in property) && !isReference(property)).map(({ path }) => path),
      ).toEqual([]);
      expect(
        described
          .filter(({ property }) => !property.type && !isReference(property) && !property.oneOf)
          .map(({ path }) => path),
      ).toEqual([]);
    },
  );

  it.each(operations)('$name lists the errors that it can give', ({ name, operation }) => {
    const { responses } = operation;
    const expected = ['500', '503'];
    if (operation.security) expected.push('401', '429');
    if (operation.requestBody) expected.push('400', '413', '415');
    if (operation.parameters?.some(({ in: place }) => place === 'query')) expected.push('400');
    if (operation.parameters?.some(({ in: place }) => place === 'path')) expected.push('404');
    expect(expected.filter((status) => !responses[status])).toEqual([]);
    for (const [status, response] of Object.entries(responses)) {
      expect(response.headers, status).toHaveProperty('X-Request-Id');
      if (Number(status) < 400 || status === '503') continue;
      // OFREP has words of its own for what is wrong with a flag.
      if (response.content?.['application/json']) {
        expect(name).toMatch(/^POST \/ofrep\//);
        expect(response.content['application/json'].schema?.$ref).toMatch(/\/Ofrep(Bulk)?FailureView$/);
        continue;
      }
      expect(response.content?.['application/problem+json']?.schema?.$ref, status).toBe(
        '#/components/schemas/ProblemView',
      );
      const codes = [...response.description!.matchAll(/`([a-z_]+)`:/g)].map(([, code]) => code!);
      expect(codes.length, status).toBeGreaterThan(0);
      for (const code of codes) expect(errors[code as keyof typeof errors].status, code).toBe(Number(status));
    }
  });

  it.each(operations)('$name has a schema for what comes back', ({ operation }) => {
    const successes = Object.entries(operation.responses).filter(([status]) => Number(status) < 400);
    expect(successes.length).toBeGreaterThan(0);
    for (const [status, { content, description }] of successes) {
      if (status === '204') expect(content).toBeUndefined();
      else expect(content ?? description, status).toBeTruthy();
    }
    if (operation.requestBody)
      expect(operation.requestBody.content?.['application/json']?.schema?.$ref).toMatch(/^#\/components\/schemas\//);
  });

  it('P22: what has a version is answered with its ETag, and its changes take If-Match', () => {
    const versioned = operations.filter(({ operation }) => {
      const answer = operation.responses['200'] ?? operation.responses['201'];
      const name = answer?.content?.['application/json']?.schema?.$ref?.split('/').at(-1);
      return name !== undefined && 'version' in (document.components.schemas[name]?.properties ?? {});
    });
    expect(versioned.length).toBeGreaterThan(10);
    for (const { name, operation } of versioned) {
      // `GET /` and the like answer the version of the program.
      if (!name.includes('/api/')) continue;
      const { headers } = operation.responses['200'] ?? operation.responses['201']!;
      expect(headers, name).toHaveProperty('ETag');
      if (/^(PUT|PATCH)/.test(name))
        expect(
          operation.parameters?.map(({ name: parameter }) => parameter),
          name,
        ).toContain('If-Match');
    }
  });

  it('refers to nothing that is not there', () => {
    const text = JSON.stringify(document);
    const broken = [...text.matchAll(/"\$ref":"#\/components\/(schemas|headers)\/([^"]+)"/g)].filter(
      ([, kind, name]) => !(name! in document.components[kind as 'schemas' | 'headers']),
    );
    expect(broken.map(([ref]) => ref)).toEqual([]);
  });

  it('lets an admin sign in', () => {
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
  });
});
