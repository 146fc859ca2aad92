import { EntityManager } from '@mikro-orm/postgresql';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { Timers } from '../../jobs/timers.js';

const FLUSH_EVERY_MS = 60_000;

/** When keys were last used: gathered here, and written down for all of them together, so that no request waits for it. */
@Injectable()
export class KeyUses implements BeforeApplicationShutdown {
  private readonly log = new Logger('api-keys');
  /** By the id of the key, on the clock of `performance.now()`. */
  private uses = new Map<string, number>();
  private readonly em: EntityManager;

  constructor(em: EntityManager, timers: Timers) {
    this.em = em.fork({ disableContextResolution: true });
    timers.add({ name: 'api-key-uses', everyMs: FLUSH_EVERY_MS, run: () => this.flush() });
  }

  note(keyId: string): void {
    this.uses.set(keyId, performance.now());
  }

  /** Writes down what was gathered; what cannot be written now is kept for the next time. */
  async flush(): Promise<void> {
    if (this.uses.size === 0) return;
    const taken = this.uses;
    this.uses = new Map();
    const now = performance.now();
    try {
      await asSystem(this.em, (em) =>
        // By the database's clock, forward only, and locked in one order: other instances write the same rows.
        em.execute(
          `with used as (
             select k.organization_id, k.id, now() - make_interval(secs => u.ago_ms / 1000) as at
               from unnest(?::uuid[], ?::float8[]) as u (id, ago_ms) join api_keys k on k.id = u.id
              order by k.organization_id, k.id for no key update of k)
           update api_keys k set last_used_at = used.at from used
            where k.organization_id = used.organization_id and k.id = used.id
              and (k.last_used_at is null or k.last_used_at < used.at)`,
          [`{${[...taken.keys()].join()}}`, `{${[...taken.values()].map((at) => now - at).join()}}`],
        ),
      );
    } catch (error) {
      for (const [id, at] of taken) if (!this.uses.has(id)) this.uses.set(id, at);
      throw error;
    }
  }

  /** Before the connections close. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.flush().catch((error: unknown) =>
      this.log.warn({ err: error }, 'the last use of some keys was not written down'),
    );
  }
}
