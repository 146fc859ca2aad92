import type { KeyObject } from 'node:crypto';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { ChangeBus, type ChangeListener } from '../../database/change-bus.js';
import { asSystem } from '../../database/tenant-context.js';
import { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { FatalStartError, Readiness } from '../../kernel/readiness.js';
import { SecretBox } from '../../kernel/secrets.js';
import { generateSigningKey, KeyRing, type Signer, type SigningKeyRow } from './key-ring.js';
import { type PublicJwk, SIGNING_ALGORITHM } from './signing-key.entity.js';

/** A new key is published this long before it signs: twice the 5 minutes for which our JWKS may be cached. */
const LEAD_SECONDS = 600;
/** A key verifies this long after it stopped signing: the 15 minutes of a token, and 5 for clocks and late instances. */
const OVERLAP_SECONDS = 1_200;
/** An unknown key id asks the database at most this often, however many such tokens are shown. */
const RELOAD_EVERY_MS = 5_000;
/** How old the keys may get while changes are not heard; far below the lead time. */
const STALE_AFTER_MS = 60_000;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The keys that access tokens are signed with: made at the first start, published, rotated with overlap. */
@Injectable()
export class SigningKeys implements ChangeListener, OnModuleInit {
  readonly topic = 'signing-keys';
  private readonly log = new Logger('signing keys');
  /** Outside of whatever transaction is going on: a reload may begin in the middle of somebody's. */
  private readonly em: EntityManager;
  private ring: KeyRing | null = null;
  /** The load that runs, and the one that waits for it: an older answer never replaces a newer one. */
  private running: Promise<void> | null = null;
  private waiting: Promise<void> | null = null;
  /** A change was heard and could not be loaded. */
  private missedChange = false;
  private lookedUpAt = -Infinity;

  constructor(
    em: EntityManager,
    private readonly box: SecretBox,
    private readonly audit: AuditService,
    private readonly bus: ChangeBus,
    private readonly readiness: Readiness,
  ) {
    this.em = em.fork({ disableContextResolution: true });
    bus.listen(this);
  }

  /** Every constructor has run by now, so the step stands behind the one that brings the schema. */
  onModuleInit(): void {
    this.readiness.addStep({ name: 'signing keys', run: () => this.prepare() });
  }

  /** The key that signs now. @throws Problem `service_unavailable` before the keys are loaded. */
  signer(): Signer {
    if (this.isStale() && !this.running) this.changed();
    const signer = this.ring?.signer();
    if (!signer) throw problem('service_unavailable', { detail: 'There is no signing key yet' });
    return signer;
  }

  /** The public key of this id, from memory; undefined when it is unknown or no longer verifies. */
  verifier(kid: string): KeyObject | undefined {
    return this.ring?.verifier(kid);
  }

  /**
   * The public key of this id. One that is not in memory is looked for in the database, once in 5 s for all callers
   * together: tokens with invented ids must not become queries.
   */
  async findVerifier(kid: string): Promise<KeyObject | undefined> {
    const known = this.verifier(kid);
    if (known || !UUID.test(kid)) return known;
    const now = performance.now();
    if (now - this.lookedUpAt >= RELOAD_EVERY_MS) {
      this.lookedUpAt = now;
      await this.refresh();
    } else {
      await this.running;
    }
    return this.verifier(kid);
  }

  /** The keys for JWKS. @throws Problem `service_unavailable` before they are loaded. */
  published(): PublicJwk[] {
    if (!this.ring) throw problem('service_unavailable', { detail: 'There is no signing key yet' });
    return this.ring.published();
  }

  /**
   * Publishes a new key, which takes over from the present one in 10 minutes; the present one verifies for 20 more.
   * Of several calls at once, also on several instances, one rotates. Keys that no longer verify are removed.
   * @param olderThanDays rotates only when the present key has signed for longer.
   * @returns the new key's id; null when nothing was due or a new key is waiting already.
   */
  async rotate(actor: Actor, { olderThanDays = 0 } = {}): Promise<string | null> {
    return asSystem(this.em, async (em) => {
      const removed = await em.execute<{ kid: string }[]>(
        'delete from signing_keys where expires_at < now() returning kid',
      );
      for (const { kid } of removed)
        this.audit.record(actor, 'signing_key.removed', { target: { type: 'signing_key', id: kid } });
      const [retired] = await em.execute<{ kid: string }[]>(
        `update signing_keys
            set retired_at = now() + make_interval(secs => ?), expires_at = now() + make_interval(secs => ?)
          where retired_at is null and activated_at <= now() - make_interval(days => ?)
      returning kid`,
        [LEAD_SECONDS, LEAD_SECONDS + OVERLAP_SECONDS, olderThanDays],
      );
      const kid = retired ? await this.insert(em, LEAD_SECONDS) : null;
      if (retired && kid)
        this.audit.record(actor, 'signing_key.rotated', {
          target: { type: 'signing_key', id: kid },
          before: { kid: retired.kid },
          after: { kid, algorithm: SIGNING_ALGORITHM, signsInSeconds: LEAD_SECONDS },
        });
      await this.bus.announce(em, this.topic, [...removed.map((row) => row.kid), ...(kid ? [kid] : [])]);
      return kid;
    });
  }

  changed(): void {
    this.refresh().catch((error: unknown) => {
      this.missedChange = true;
      this.log.warn({ err: error }, 'the keys could not be loaded; the next use tries again');
    });
  }

  catchUp(): Promise<void> {
    return this.refresh();
  }

  private async prepare(): Promise<void> {
    await asSystem(this.em, async (em) => {
      const kid = await this.insert(em, 0);
      if (!kid) return;
      this.audit.record(Actor.system('signing-keys'), 'signing_key.created', {
        target: { type: 'signing_key', id: kid },
        after: { kid, algorithm: SIGNING_ALGORITHM },
      });
    });
    await this.refresh();
    try {
      this.signer();
    } catch (cause) {
      throw new FatalStartError(`The key that signs access tokens does not open: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /** Makes a key that signs after `leadSeconds`. @returns null when there is a present key already. */
  private async insert(em: EntityManager, leadSeconds: number): Promise<string | null> {
    const { kid, jwk, sealed } = generateSigningKey(this.box);
    const [row] = await em.execute<{ kid: string }[]>(
      `insert into signing_keys (kid, algorithm, public_jwk, private_key, created_at, activated_at)
       values (?, ?, ?::jsonb, ?, now(), now() + make_interval(secs => ?))
       on conflict do nothing returning kid`,
      [kid, SIGNING_ALGORITHM, JSON.stringify(jwk), sealed, leadSeconds],
    );
    return row?.kid ?? null;
  }

  /** Resolves when a load that began after this call has ended; callers share it. */
  private refresh(): Promise<void> {
    if (!this.running) return (this.running = this.load().finally(() => (this.running = null)));
    return (this.waiting ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.waiting = null;
        return this.refresh();
      }));
  }

  private async load(): Promise<void> {
    this.missedChange = false;
    const loadedAt = performance.now();
    const rows = await asSystem(this.em, (em) =>
      em.execute<SigningKeyRow[]>(
        `select kid, public_jwk, private_key,
                extract(epoch from activated_at - now())::float8 * 1000 as signs_in,
                extract(epoch from expires_at - now())::float8 * 1000 as expires_in
           from signing_keys where expires_at is null or expires_at > now()`,
      ),
    );
    this.ring = new KeyRing(rows, loadedAt, this.box);
  }

  private isStale(): boolean {
    if (!this.ring || this.missedChange) return true;
    return !this.bus.up && performance.now() - this.ring.loadedAt > STALE_AFTER_MS;
  }
}
