import { ApiParam } from '@nestjs/swagger';

/** Documents `:organizationId`, which the guard reads: no handler takes it from the path. */
export const OrganizationPath = (): MethodDecorator & ClassDecorator =>
  ApiParam({
    name: 'organizationId',
    description: 'Id of the organization; `GET /api/v1/organizations` lists yours',
    schema: { type: 'string', format: 'uuid' },
    example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00',
  });
