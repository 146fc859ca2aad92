import { Migration } from '@mikro-orm/migrations';

/** Whether a session has the job board open: closing it ends what its cookie holds, on every instance. */
export class Migration20261129002300_job_board_open extends Migration {
  override up(): void {
    this.addSql(`alter table user_sessions add column job_board_open boolean not null default false`);
  }

  override down(): void {
    this.addSql(`alter table user_sessions drop column job_board_open`);
  }
}
