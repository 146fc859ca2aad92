import { ApiProperty, type ApiPropertyOptions, ApiSchema } from '@nestjs/swagger';
import { settingsSchema } from './settings.schema.js';

interface Schema {
  type: string;
  properties?: Record<string, Schema>;
  nullable?: boolean;
}

/** The settings of an organization, as the OpenAPI document shows them: made from their schema. */
@ApiSchema({ description: settingsSchema.description })
export class OrganizationSettings {}

/** The same as a patch: everything may be null, which removes it. */
@ApiSchema({
  description:
    'A JSON Merge Patch (RFC 7396): what is left out stays, objects are merged by path, null removes, arrays are replaced',
})
export class OrganizationSettingsPatch {}

for (const [name, schema] of Object.entries<Schema>(settingsSchema.properties)) {
  document(OrganizationSettings, name, schema);
  document(OrganizationSettingsPatch, name, nullable(schema));
}

function document(target: { prototype: object }, name: string, schema: Schema): void {
  ApiProperty({ ...schema, required: false } as ApiPropertyOptions)(target.prototype, name);
}

function nullable(schema: Schema): Schema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, nullable(inner)] as const);
  return { ...schema, nullable: true, ...(schema.properties && { properties: Object.fromEntries(properties) }) };
}
