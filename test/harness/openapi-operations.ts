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
  /** The group that it stands in. */
  tag: string;
  /** What Swagger UI fills in for parameters of the path and headers. */
  filledIn: { name: string; in: string; example?: string }[];
  /** What its guard asks; undefined: it is public. */
  requirement?: string;
  /** Whether an API key is among what it takes. */
  takesKeys: boolean;
  /** Names of the parameters in its query. */
  query: string[];
  /** A body that fits its schema, from the schema's examples; undefined: it takes none. */
  body?: Record<string, unknown>;
  /** The bodies that Swagger UI offers, by name; the one of the schema where none is named. */
  bodies: [name: string, body: Record<string, unknown>][];
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        'x-required-permission'?: string;
        tags: string[];
        security?: object[];
        parameters?: { name: string; in: string; schema: Schema }[];
        requestBody?: {
          content: {
            'application/json': { schema: Schema; examples?: Record<string, { value: Record<string, unknown> }> };
          };
        };
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
      const content = operation.requestBody?.content['application/json'];
      const body = content && (exampleOf(content.schema) as Record<string, unknown>);
      const named = Object.entries(content?.examples ?? {}).map(([name, { value }]): [string, typeof value] => [
        name,
        value,
      ]);
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        tag: operation.tags[0]!,
        filledIn: (operation.parameters ?? [])
          .filter(({ in: place }) => place !== 'query')
          .map(({ name, in: place, schema }) => ({ name, in: place, example: schema.example as string | undefined })),
        requirement: operation['x-required-permission'],
        takesKeys: (operation.security ?? []).some((scheme) => 'apiKey' in scheme),
        query: (operation.parameters ?? []).filter(({ in: place }) => place === 'query').map(({ name }) => name),
        body,
        bodies: body && named.length === 0 ? [['of the schema', body]] : named,
      };
    }),
  );
}
