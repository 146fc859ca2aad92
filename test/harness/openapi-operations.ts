import { readFileSync } from 'node:fs';

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  example?: unknown;
  properties?: Record<string, Schema>;
}

/** One operation of the document. */
export interface Operation {
  /** `GET /api/v1/…`. */
  name: string;
  method: string;
  /** With its parameters in braces. */
  path: string;
  /** What its guard asks; undefined: it is public. */
  requirement?: string;
  /** Whether an API key is among what it takes. */
  takesKeys: boolean;
  /** Names of the parameters in its query. */
  query: string[];
  /** A body that fits its schema, from the schema's examples; undefined: it takes none. */
  body?: Record<string, unknown>;
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        'x-required-permission'?: string;
        security?: object[];
        parameters?: { name: string; in: string }[];
        requestBody?: { content: { 'application/json': { schema: Schema } } };
      }
    >
  >;
  components: { schemas: Record<string, Schema> };
}

/** Every operation of `openapi.json`, which a test holds together with what is served. */
export function operations(): Operation[] {
  const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;
  const exampleOf = (schema: Schema): unknown => {
    if (schema.$ref) return exampleOf(document.components.schemas[schema.$ref.split('/').at(-1)!]!);
    if (schema.allOf) return exampleOf(schema.allOf[0]!);
    if ('example' in schema) return schema.example;
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, property]) => [name, exampleOf(property)]),
    );
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const schema = operation.requestBody?.content['application/json'].schema;
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        requirement: operation['x-required-permission'],
        takesKeys: (operation.security ?? []).some((scheme) => 'apiKey' in scheme),
        query: (operation.parameters ?? []).filter(({ in: place }) => place === 'query').map(({ name }) => name),
        body: schema && (exampleOf(schema) as Record<string, unknown>),
      };
    }),
  );
}
