import { isTestAddress, ofInstallation, type PurgeRuleSet, testPatternOf } from '../database/purge-rules.js';

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
    keeps: {
      all: 'Platform admins',
      'test-data':
        'Platform admins, everybody whose address is no test address, and test accounts that are the last owner of an organization of others',
    },
    shows: {
      name: 'users.full_name',
      address: 'users.email',
      why: { all: `'No platform admin'`, 'test-data': `'The address fits ' || ${testPatternOf('users.email')}` },
    },
  },
  organizations: {
    all: 'true',
    testData: `exists (select from ${MEMBERS('organizations.id')})
      and not exists (select from ${MEMBERS('organizations.id')} and not ${isTestAccount('p')})`,
    keeps: { all: 'Nothing', 'test-data': 'Whatever has a member who is no test account, or none at all' },
    shows: {
      name: 'organizations.name',
      address: 'organizations.slug',
      why: {
        all: `'Every organization goes'`,
        'test-data': `'Members: ' || organizations.member_count || ', all of them test accounts'`,
      },
    },
  },
  invitations: {
    testData: isTestAddress('email'),
    keeps: { all: 'Nothing', 'test-data': 'Those of kept organizations to other addresses' },
    volatile: true,
  },
  plans: {
    all: `key <> 'standard'`,
    keeps: ofInstallation('The plan of the first start'),
  },
  role_permissions: { keeps: 'What the base roles may do comes with the schema' },
};
