import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Actor } from '../../kernel/actor.js';
import { type ImportRefusal, readImport } from '../passwords/import-file.js';
import { findNewUsers, insertUsers, type NewUser, toNewUser } from './users-import.queries.js';

/** People in one transaction: what a kill undoes at most. */
const BATCH = 500;

/** What became of the lines that were read. */
export interface ImportCounts {
  lines: number;
  imported: number;
  /** Of those, people who have to prove their address before they can sign in. */
  unverified: number;
  alreadyThere: number;
  refused: number;
}

export interface ImportOptions {
  /** Changes nothing, and counts what would be. */
  dryRun?: boolean;
  /** Told of each line that is refused; the next one is read when it resolves. */
  onRefused: (line: number, refusal: ImportRefusal) => Promise<void>;
  /** Told after each batch. */
  onProgress?: (counts: ImportCounts) => void;
  /** Ends the import after the batch that runs. */
  signal?: AbortSignal;
}

/** Takes people over from another system, with the hashes of their passwords. */
@Injectable()
export class UsersImport {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
  ) {}

  /**
   * Imports a file of people (see {@link readImport} for its lines) in batches, each with its audit entries in one
   * transaction. An address that has an account is passed over, so that a run that was killed is completed by the next.
   * Memory: one batch, and each address of the file, to know its second line from an account.
   */
  async run(source: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<ImportCounts> {
    const counts: ImportCounts = { lines: 0, imported: 0, unverified: 0, alreadyThere: 0, refused: 0 };
    const firstLines = new Map<string, number>();
    let batch: NewUser[] = [];
    const finishBatch = async (): Promise<void> => {
      await this.take(batch, counts, options);
      batch = [];
      options.onProgress?.({ ...counts });
    };
    for await (const read of readImport(source)) {
      counts.lines += 1;
      const refusal = 'refused' in read ? read.refused : duplicateOf(firstLines.get(read.user.email));
      if (refusal) {
        counts.refused += 1;
        await options.onRefused(read.line, refusal);
      } else if ('user' in read) {
        firstLines.set(read.user.email, read.line);
        batch.push(toNewUser(read.user));
      }
      if (batch.length >= BATCH) await finishBatch();
      if (options.signal?.aborted) return counts;
    }
    await finishBatch();
    return counts;
  }

  private async take(batch: readonly NewUser[], counts: ImportCounts, { dryRun }: ImportOptions): Promise<void> {
    if (batch.length === 0) return;
    const added = await asSystem(this.em, async (em) => {
      if (dryRun) return findNewUsers(em, batch);
      const ids = await insertUsers(em, batch);
      for (const user of batch) if (ids.has(user.id)) this.record(user);
      return ids;
    });
    counts.imported += added.size;
    counts.alreadyThere += batch.length - added.size;
    counts.unverified += batch.filter(({ id, emailVerified }) => added.has(id) && !emailVerified).length;
  }

  private record({ id, email, fullName, emailVerified = false, externalId }: NewUser): void {
    this.audit.record(Actor.system('users:import'), 'user.imported', {
      userId: id,
      target: { type: 'user', id },
      after: { email, fullName, emailVerified, ...(externalId !== undefined && { externalId }) },
    });
  }
}

function duplicateOf(firstLine: number | undefined): ImportRefusal | undefined {
  if (firstLine === undefined) return undefined;
  return { code: 'duplicate_in_file', message: `The same e-mail address as in line ${firstLine}` };
}
