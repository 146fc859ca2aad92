import { randomBytes } from 'node:crypto';
import { newId } from '../../src/kernel/ids.js';
import { SecretBox } from '../../src/kernel/secrets.js';
import { hashToken } from '../../src/kernel/tokens.js';
import { sealOfSecret } from '../../src/webhooks/endpoints/webhook-secrets.js';
import { newSecret } from '../../src/webhooks/sending/signature.js';
import { insertApiKey, insertServiceAccount } from './api-keys.js';
import type { TestApp } from './app.js';
import { insertFeatures } from './features.js';
import { insertWidget } from './widgets.js';
import { insertMember, insertOrganization, type Member } from './organizations.js';

/** An organization with something in every table of tenants, each text of it to be found nowhere else. */
export interface SeededTenant {
  organizationId: string;
  /** A member of each base role, one with the custom role, and one more who can be worked on. */
  owner: Member;
  admin: Member;
  member: Member;
  viewer: Member;
  custom: Member;
  other: Member;
  /** An id by the segment of a path that stands before it. */
  ids: Record<string, string>;
  /** Everything of it that nobody else may see: names, addresses, ids, settings, texts of the trail. */
  secrets: string[];
  /** Its people, whose rows count as its own. */
  userIds: string[];
}

/** A feature of the installation that every seeded tenant overrides and uses; the examples of bodies fit it. */
export const SEEDED_FEATURE = 'seats-per-project';
/** A widget that needs it. */
export const SEEDED_WIDGET = 'seats-by-project';

/** Puts a tenant with everything into the tables. */
export async function seedTenant(tenon: TestApp): Promise<SeededTenant> {
  const sql = (text: string, ...values: unknown[]) => tenon.db.sql.query(text, values);
  const mark = randomBytes(5).toString('hex');
  const organization = await insertOrganization(tenon.db, { name: `Name ${mark}` });
  const { organizationId } = organization;
  const roleKey = `role-${mark}`;
  const range = `2001:db8:${mark.slice(0, 4)}::/48`;
  // Less than a viewer.
  await sql(
    `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
     values ($1, $2, $3, '{}', now(), now())`,
    organizationId,
    roleKey,
    `Role ${mark}`,
  );
  const join = (name: string, role = name): Promise<Member> =>
    insertMember(tenon, organizationId, role, { fullName: `The ${name} ${mark}` });
  const [owner, admin, member, viewer, custom, other] = (await Promise.all([
    join('owner'),
    join('admin'),
    join('member'),
    join('viewer'),
    join('custom', roleKey),
    join('other', 'member'),
  ])) as [Member, Member, Member, Member, Member, Member];
  const people = [owner, admin, member, viewer, custom, other];
  const metering = { period: 'month', enforcement: 'hard' };
  if ((await sql('select from feature_definitions where key = $1', SEEDED_FEATURE)).rowCount === 0)
    await insertFeatures(tenon, { key: SEEDED_FEATURE, type: 'number', defaultValue: 5, metering });
  await insertWidget(tenon, { key: SEEDED_WIDGET, requiredFeatures: [SEEDED_FEATURE] });

  const [invitationId, domainId, entryId, requestId, webhookId] = [newId(), newId(), newId(), newId(), newId()];
  await Promise.all([
    sql(
      `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
     values ($1, $2, $3, 'member', $4, $5, now(), now() + interval '7 days')`,
      organizationId,
      invitationId,
      `invited.${mark}@example.com`,
      hashToken(mark),
      owner.userId,
    ),
    sql(
      `insert into organization_domains (organization_id, id, domain, challenge, challenge_expires_at, created_at)
     values ($1, $2, $3, $4, now() + interval '7 days', now())`,
      organizationId,
      domainId,
      `${mark}.example`,
      `challenge-${mark}`,
    ),
    sql(
      `insert into organization_policies (organization_id, ip_allow_list, session_lifetime_minutes, updated_at)
     values ($1, $2, 4321, now())`,
      organizationId,
      ['127.0.0.0/8', range],
    ),
    sql(
      `insert into cleanup_policies (organization_id, kept_days, updated_at) values ($1, '{"invitation": 8}', now())`,
      organizationId,
    ),
    sql(
      `update organizations set settings = $2 where id = $1`,
      organizationId,
      JSON.stringify({ custom: { footer: `Setting ${mark}` }, contacts: { support: `support.${mark}@example.com` } }),
    ),
    sql(
      `insert into organization_feature_settings (organization_id, id, feature_key, value, reason, set_by, created_at, updated_at)
     values ($1, $2, $3, '7', $4, $5, now(), now())`,
      organizationId,
      newId(),
      SEEDED_FEATURE,
      `Override ${mark}`,
      owner.userId,
    ),
    sql(
      `insert into feature_meters (organization_id, feature_key, environment_key, period_start, used, resets_at, updated_at)
     select $1, $2, 'production', starts_at, 3, resets_at, now() from feature_period('month', now())`,
      organizationId,
      SEEDED_FEATURE,
    ),
    sql(
      `insert into feature_consumptions
         (organization_id, feature_key, environment_key, idempotency_key, amount, used, allowed, created_at, expires_at)
     values ($1, $2, 'production', $3, 3, 3, 7, now(), now() + interval '7 days')`,
      organizationId,
      SEEDED_FEATURE,
      `use-${mark}`,
    ),
    sql(
      `insert into user_dashboard_preferences (organization_id, user_id, layout, theme, version, updated_at)
     values ($1, $2, $3, 'dark', 1, now())`,
      organizationId,
      owner.userId,
      JSON.stringify([
        { id: `placed-${mark}`, widget: SEEDED_WIDGET, x: 0, y: 0, w: 4, h: 2, settings: { title: `Title ${mark}` } },
      ]),
    ),
    sql(
      `insert into organization_usage_days (organization_id, environment_key, feature_key, value, day, evaluations, users)
     values ($1, 'production', $2, $3, (now() at time zone 'UTC')::date, 3, 1)`,
      organizationId,
      SEEDED_FEATURE,
      `Value ${mark}`,
    ),
    sql(
      `insert into user_feature_usage (organization_id, environment_key, user_key, feature_key, day, evaluations)
     values ($1, 'production', $2, $3, (now() at time zone 'UTC')::date, 3)`,
      organizationId,
      `user-${mark}`,
      SEEDED_FEATURE,
    ),
    sql(
      `insert into audit_log (id, occurred_at, organization_id, actor_kind, actor_id, action, outcome, target_type, target_id, user_id, request_id, reason, after)
     values ($1, now(), $2::uuid, 'user', $3, 'organization.updated', 'success', 'organization', $2::uuid::text, $4, $5, $6, $7)`,
      entryId,
      organizationId,
      owner.userId,
      other.userId,
      requestId,
      `Reason ${mark}`,
      JSON.stringify({ name: `Trail ${mark}` }),
    ),
    sql(
      `insert into outbox (id, topic, payload, summary, status, attempts, created_at, available_at, sent_at, organization_id)
     values ($1, 'mail', null, $2, 'sent', 1, now(), now(), now(), $3)`,
      newId(),
      JSON.stringify({ to: `invited.${mark}@example.com`, template: 'invitation' }),
      organizationId,
    ),
  ]);
  // After the entry, and for nothing that the walk does: it changes nothing by itself.
  await sql(
    `insert into webhook_endpoints (id, organization_id, url, event_types, secret, created_at, updated_at)
     values ($1, $2, $3, '{domain.lapsed}', $4, now(), now())`,
    webhookId,
    organizationId,
    `https://hooks.${mark}.example/`,
    tenon.app.get(SecretBox).encrypt(newSecret(), sealOfSecret(webhookId)),
  );
  await sql(
    `insert into webhook_deliveries (endpoint_id, event_id, organization_id, event_type, delivered_at, attempts)
     values ($1, $2, $3, 'organization.updated', now(), $4)`,
    webhookId,
    entryId,
    organizationId,
    JSON.stringify([{ at: new Date().toISOString(), durationMs: 1, status: 200, error: null, body: `Said ${mark}` }]),
  );
  const { serviceAccountId } = await insertServiceAccount(tenon.db, organizationId, {
    name: `Account ${mark}`,
    role: 'viewer',
  });
  const { id: apiKeyId, key } = await insertApiKey(tenon.db, organizationId, { serviceAccountId });
  return {
    organizationId,
    owner,
    admin,
    member,
    viewer,
    custom,
    other,
    ids: {
      organizations: organizationId,
      members: other.userId,
      users: other.userId,
      sessions: other.sessionId,
      invitations: invitationId,
      domains: domainId,
      roles: roleKey,
      'service-accounts': serviceAccountId,
      'api-keys': apiKeyId,
      webhooks: webhookId,
      deliveries: entryId,
      requests: requestId,
    },
    secrets: [
      mark,
      organization.slug,
      organizationId,
      invitationId,
      domainId,
      entryId,
      requestId,
      range,
      serviceAccountId,
      apiKeyId,
      key,
      webhookId,
      ...people.flatMap(({ userId, email, sessionId }) => [userId, email, sessionId]),
    ],
    userIds: people.map(({ userId }) => userId),
  };
}
