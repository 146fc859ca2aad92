import type { CountedOrganization } from './organizations.queries.js';

/** How many organizations, and how many people are in them. */
export interface Count {
  organizations: number;
  users: number;
}

export const none = (): Count => ({ organizations: 0, users: 0 });

export function count(into: Count, { members }: CountedOrganization): void {
  into.organizations += 1;
  into.users += members;
}
