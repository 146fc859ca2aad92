/** Where a sealed secret belongs: in the place of another endpoint's it does not open. */
export const sealOfSecret = (endpointId: string): string => `webhook_endpoints.secret:${endpointId}`;
