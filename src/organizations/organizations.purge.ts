import { isTestAddress, type PurgeRuleSet } from '../database/purge-rules.js';

/** Whether somebody counts as a test account; a platform admin never does. */
const isTestAccount = (user: string): string => `(${user}.platform_role is null and ${isTestAddress(`${user}.email`)})`;

/** Members of an organization of the query around it. */
const MEMBERS = (organization: string): string =>
  `user_organization_membership m join users p on p.id = m.user_id where m.organization_id = ${organization}`;

/** People and organizations: who of both is test data depends on who belongs where. */
export const organizationsPurge: PurgeRuleSet = {
  users: {
    all: 'platform_role is null',
    // An active organization has an owner who can sign in (ADR 0017): the last one of others stays with them.
    testData: `${isTestAccount('users')} and not exists (
      select from user_organization_membership own
       where own.user_id = users.id and own.role = 'owner'
         and exists (select from ${MEMBERS('own.organization_id')} and not ${isTestAccount('p')})
         and not exists (select from ${MEMBERS('own.organization_id')} and not ${isTestAccount('p')}
                            and m.role = 'owner' and p.status = 'active'))`,
    keeps:
      'Platform admins; with test-data everybody whose address is no test address, and test accounts that are the last owner of an organization of others',
  },
  organizations: {
    all: 'true',
    testData: `exists (select from ${MEMBERS('organizations.id')})
      and not exists (select from ${MEMBERS('organizations.id')} and not ${isTestAccount('p')})`,
    keeps: 'Nothing; with test-data whatever has a member who is no test account, or none at all',
  },
  invitations: {
    testData: isTestAddress('email'),
    keeps: 'With test-data those of kept organizations to other addresses',
    volatile: true,
  },
  plans: {
    all: `key <> 'standard'`,
    keeps: 'The plan of the first start; with test-data all of them, which belong to the installation',
  },
  role_permissions: { keeps: 'What the base roles may do comes with the schema' },
};
