import { Migration } from '@mikro-orm/migrations';

const TABLES = ['feature_change_policies', 'feature_change_requests', 'feature_change_reviews'];

/** Who has to agree before features are changed, and what was asked of them. */
export class Migration20261125000910_feature_change_requests extends Migration {
  override up(): void {
    // No cascade: an environment that asks for approvals does not lose its policy by being removed and made anew.
    this.addSql(`create table feature_change_policies (
        environment_key text not null,
        approvals int not null,
        approver_ids uuid[] not null,
        kinds text[] not null,
        reason_required boolean not null,
        version int not null,
        updated_at timestamptz not null,
        primary key (environment_key),
        constraint feature_change_policies_environment_key_foreign foreign key (environment_key) references environments (key))`);
    this.addSql(`create table feature_change_requests (
        id uuid not null,
        title text not null,
        reason text null,
        changes jsonb not null,
        effects jsonb not null,
        subjects text[] not null,
        follows uuid[] not null,
        base_revision bigint not null,
        content_hash text not null,
        apply_at timestamptz null,
        status text not null,
        failure jsonb null,
        author_id uuid not null,
        applied_at timestamptz null,
        version int not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (id),
        constraint feature_change_requests_status_check check (status in ('pending', 'approved', 'scheduled', 'applied', 'rejected', 'cancelled', 'failed')))`);
    this.addSql(`create index feature_change_requests_status_id_index on feature_change_requests (status, id)`);
    this.addSql(
      `create index feature_change_requests_apply_at_index on feature_change_requests (apply_at) where status = 'scheduled'`,
    );
    this.addSql(`create index feature_change_requests_subjects_index on feature_change_requests using gin (subjects)`);
    // One of each person; what they said of an earlier content does not count any more.
    this.addSql(`create table feature_change_reviews (
        request_id uuid not null,
        user_id uuid not null,
        verdict text not null,
        content_hash text not null,
        comment text null,
        at timestamptz not null,
        primary key (request_id, user_id),
        constraint feature_change_reviews_verdict_check check (verdict in ('approved', 'rejected')),
        constraint feature_change_reviews_request_id_foreign foreign key (request_id) references feature_change_requests (id) on delete cascade)`);
    for (const table of TABLES) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy system on ${table} to tenon_system using (true) with check (true)`);
      this.addSql(`revoke all on ${table} from tenon_app`);
    }
  }

  override down(): void {
    for (const table of TABLES.toReversed()) this.addSql(`drop table ${table}`);
  }
}
