import { hash } from 'node:crypto';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ChangeBus, type ChangeListener } from '../../database/change-bus.js';
import { asSystem } from '../../database/tenant-context.js';
import { hashToken } from '../../kernel/tokens.js';
import { isApiKey } from './key-format.js';
import { type KnownKey, readKey, readKeyById } from './known-keys.queries.js';

/** About 1 KiB each. */
const CAPACITY = 10_000;

/**
 * The API keys that work. Answered from memory, which every instance keeps right by the change bus; while the bus is
 * down, by the database. What is no key is looked up each time: inventions must not fill the memory. Kept by SHA-256, so
 * that no usable key stands in memory.
 */
@Injectable()
export class KnownKeys implements ChangeListener {
  readonly topic = 'api-keys';
  private readonly known = new LRUCache<string, KnownKey>({ max: CAPACITY });
  private readonly loads = new Map<string, Promise<KnownKey | null>>();
  private readonly listeners: (() => void)[] = [];
  private readonly em: EntityManager;

  constructor(
    em: EntityManager,
    private readonly bus: ChangeBus,
  ) {
    this.em = em.fork({ disableContextResolution: true });
    bus.listen(this);
  }

  /** The key that a text is: at once from memory, else a promise from the database; null when it is none that works. */
  find(text: string): KnownKey | null | Promise<KnownKey | null> {
    // In one call, and as a text: 0.4 µs instead of 1.1.
    const name = hash('sha256', text, 'hex');
    const known = this.bus.up ? this.known.get(name) : undefined;
    if (known) return known.expiresAt > performance.now() ? known : null;
    // Not before: what is known has the form of a key.
    if (!isApiKey(text)) return null;
    return this.bus.up ? this.load(name, hashToken(text)) : this.read(hashToken(text));
  }

  /** The key of an id, whatever text it is; null when there is none that works. */
  async byId(id: string): Promise<KnownKey | null> {
    if (this.bus.up)
      for (const key of this.known.values()) if (key.id === id && key.expiresAt > performance.now()) return key;
    return asSystem(this.em, (em) => readKeyById(em, id));
  }

  /** Told when keys are others, or may be. */
  onChanged(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Announces from within a transaction that keys are others since: by their ids, or by that of their service account.
   * Those that were removed announce themselves.
   */
  announce(em: EntityManager, ...ids: string[]): Promise<void> {
    return this.bus.announce(em, this.topic, ids);
  }

  /** Forgets keys. Whoever changed them may call it after the commit, to be ahead of the bus. */
  changed(ids: string[]): void {
    const gone = new Set<string | null>(ids);
    for (const [name, { id, serviceAccountId }] of this.known.entries())
      if (gone.has(id) || gone.has(serviceAccountId)) this.known.delete(name);
    // What is being read may have been read before the change.
    this.loads.clear();
    for (const listener of this.listeners) listener();
  }

  async catchUp(): Promise<void> {
    this.known.clear();
    this.loads.clear();
    for (const listener of this.listeners) listener();
  }

  private load(name: string, keyHash: Buffer): Promise<KnownKey | null> {
    const running = this.loads.get(name);
    if (running) return running;
    const load = this.read(keyHash);
    this.loads.set(name, load);
    const finish = (key: KnownKey | null): void => {
      if (this.loads.get(name) !== load) return;
      this.loads.delete(name);
      if (key) this.known.set(name, key);
    };
    load.then(finish, () => finish(null));
    return load;
  }

  private read(keyHash: Buffer): Promise<KnownKey | null> {
    return asSystem(this.em, (em) => readKey(em, keyHash));
  }
}
