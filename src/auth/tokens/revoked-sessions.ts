import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ChangeBus, type ChangeListener } from '../../database/change-bus.js';
import { asSystem } from '../../database/tenant-context.js';

/** The 15 minutes of an access token, and one for clocks: afterwards no token of the session is valid any more. */
const REMEMBER_MINUTES = 16;

/**
 * The sessions whose access tokens must not work any more. Answered from memory, which every instance keeps right by
 * the change bus; while the bus is down, by the database.
 */
@Injectable()
export class RevokedSessions implements ChangeListener {
  readonly topic = 'sessions';
  private readonly em: EntityManager;
  // Two generations of 16 minutes each: an id is kept for 16 to 32.
  private newer = new Set<string>();
  private older = new Set<string>();
  private newerSince = performance.now();

  constructor(
    em: EntityManager,
    private readonly bus: ChangeBus,
  ) {
    this.em = em.fork({ disableContextResolution: true });
    bus.listen(this);
  }

  /**
   * Whether a session was revoked. A boolean at once while changes are heard; else a promise of one, from the database,
   * for which an unknown or expired session counts as revoked.
   * @throws what the database throws when it cannot be asked: nobody gets in on a guess.
   */
  isRevoked(sessionId: string): boolean | Promise<boolean> {
    if (this.newer.has(sessionId) || this.older.has(sessionId)) return true;
    return this.bus.up ? false : this.askDatabase(sessionId);
  }

  /**
   * Tells every instance that sessions were revoked; from within the transaction that revokes them, heard when it
   * commits. Each instance that hears its bus refuses their tokens within 100 ms, each other one at once.
   */
  announce(em: EntityManager, sessionIds: string[]): Promise<void> {
    return this.bus.announce(em, this.topic, sessionIds);
  }

  /** Remembers revoked sessions. Whoever revoked them may call it after the commit, to be ahead of the bus. */
  changed(sessionIds: string[]): void {
    const now = performance.now();
    if (now - this.newerSince > REMEMBER_MINUTES * 60_000) {
      this.older = this.newer;
      this.newer = new Set();
      this.newerSince = now;
    }
    for (const id of sessionIds) this.newer.add(id);
  }

  /** Adds what was revoked while nobody listened. Adds only: what was heard meanwhile stays. */
  async catchUp(): Promise<void> {
    const rows = await asSystem(this.em, (em) =>
      em.execute<{ id: string }[]>('select id from user_sessions where revoked_at > now() - make_interval(mins => ?)', [
        REMEMBER_MINUTES,
      ]),
    );
    this.changed(rows.map(({ id }) => id));
  }

  private async askDatabase(sessionId: string): Promise<boolean> {
    const live = await asSystem(this.em, (em) =>
      em.execute('select from user_sessions where id = ? and revoked_at is null and expires_at > now()', [sessionId]),
    );
    return live.length === 0;
  }
}
