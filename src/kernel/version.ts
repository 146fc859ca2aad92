/** Name and version of this release, as `/`, `/health` and the OpenAPI document say it. */
export const NAME = 'tenon';
export const VERSION = '0.1.0';
