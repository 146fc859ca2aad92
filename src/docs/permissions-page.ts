import { BASE_ROLES, permissions, PERMISSIONS } from '../kernel/permissions.js';

const INTRODUCTION =
  'What may be done within an organization, and which of the four roles that every organization has may do it. ' +
  'Custom roles (`POST /api/v1/organizations/{organizationId}/roles`) hold any of them but those marked ¹, and never more ' +
  'than whoever makes them. A platform admin may do in every organization what its owner may. ' +
  '`GET /api/v1/permissions` gives this table, `GET /api/v1/users/me/permissions` what you may do.';

const NOTES = [
  '¹ Owners alone: no custom role can hold it.',
  '² An owner keeps it while the organization is deactivated or waits for its removal; nobody else keeps anything then.',
];

/** The table of permissions as `docs/permissions.md`. */
export function permissionsMarkdown(): string {
  const rows = PERMISSIONS.map((key) => {
    const { description, roles, ownerOnly, whileInactive } = permissions[key];
    const marks = `${ownerOnly ? '¹' : ''}${whileInactive ? '²' : ''}`;
    const held = BASE_ROLES.map((role) => (roles.includes(role) ? '✓' : ''));
    return `| \`${key}\`${marks} | ${[...held, description].join(' | ')} |`;
  });
  return (
    '<!-- Generated from src/kernel/permissions.ts by "npm run docs:permissions". -->\n\n' +
    `# Permissions\n\n${INTRODUCTION}\n\n` +
    `| permission | ${BASE_ROLES.join(' | ')} | what it allows |\n|---|${BASE_ROLES.map(() => ':-:|').join('')}---|\n` +
    `${rows.join('\n')}\n\n${NOTES.join('\n\n')}\n`
  );
}
