import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { EnvironmentsService } from '../../environments/environments.service.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import type { OpenChange } from '../change-log/change-entry.js';
import { type ChangePolicy, policiesAsking, readPolicies } from '../change-policies/change-policy.js';
import { missingReason } from '../change-policies/gate.js';
import { ConfigurationsService } from '../configurations/configurations.service.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { FeatureChanges } from '../feature-changes.js';
import { SegmentsService } from '../segments/segments.service.js';
import type { Attempts, Refused } from './attempts.js';
import { ImportRun, type Writers } from './import-run.js';
import type { ImportSource, NotCarriedOver } from './import-source.js';
import { type ImportView, toImportView } from './import.view.js';
import { readDocument } from './read-document.js';
import type { ImportedDocument, ImportRequest } from './transfer.dto.js';

const MOST_ERRORS = 50;

/** Takes features over from documents of our own and of other systems. */
@Injectable()
export class ImportService {
  private readonly writers: Writers;

  constructor(
    private readonly changes: FeatureChanges,
    environments: EnvironmentsService,
    segments: SegmentsService,
    definitions: DefinitionsService,
    configurations: ConfigurationsService,
  ) {
    this.writers = { environments, segments, definitions, configurations };
  }

  /**
   * Makes features what a document says, all of them or none, by the services and under the checks of every change.
   * What is not in the document stays. Done twice it changes nothing more.
   * @param dryRun the same, taken back at its end; it holds nobody up, and gives way to whoever changes the same features.
   * @throws Problem `validation_failed` for a document that cannot be read; for a run whatever was refused first, with all
   * that was; `service_unavailable` for a dry run that gave way.
   */
  async import(actor: Actor, request: ImportRequest, dryRun: boolean): Promise<ImportView> {
    const source = readDocument(request);
    const work = async (em: EntityManager, change: OpenChange, beforeEach?: () => Promise<void>) => {
      const run = await this.run(em, change, actor, source, beforeEach);
      if (!dryRun) refuse(run.attempts);
      const asked = policiesAsking(change.entries, await readPolicies(em));
      if (dryRun && !request.reason) run.attempts.refused.push(...withoutReason(asked));
      return toImportView(dryRun, source, run, change.entries, asked);
    };
    if (dryRun) return this.changes.tryBeside(work);
    return this.changes.change((em, change) => work(em, change), { reason: request.reason });
  }

  /**
   * Makes an import part of an open change; the identity map of its entity manager is emptied on the way.
   * @returns what of the document is not taken over.
   * @throws Problem as {@link import}.
   */
  async make(
    em: EntityManager,
    change: OpenChange,
    actor: Actor,
    document: ImportedDocument,
  ): Promise<readonly NotCarriedOver[]> {
    const { attempts, notCarriedOver } = await this.run(em, change, actor, readDocument(document));
    refuse(attempts);
    return notCarriedOver;
  }

  private async run(
    em: EntityManager,
    change: OpenChange,
    actor: Actor,
    source: ImportSource,
    beforeEach?: () => Promise<void>,
  ): Promise<ImportRun> {
    const run = new ImportRun(em, actor, this.writers, this.changes.within(em, change), change, source, beforeEach);
    await run.run();
    return run;
  }
}

/** What policies would refuse a run for that says no reason; the run itself meets the gate of every change. */
function withoutReason(policies: readonly ChangePolicy[]): Refused[] {
  const asking = policies.filter(({ reasonRequired }) => reasonRequired);
  return asking.map(({ environment }) => {
    const { field: path, ...fault } = missingReason(environment);
    return { path, ...fault };
  });
}

/** @throws Problem what was refused first, with all that was, so that nothing is written. */
function refuse({ refused, firstProblem }: Attempts): void {
  if (!firstProblem) return;
  throw problem(firstProblem.code, {
    detail: `Nothing was imported: ${refused[0]!.path}: ${refused[0]!.message}`.slice(0, 1_000),
    errors: refused.slice(0, MOST_ERRORS).map(({ path, code, message }) => ({ field: path, code, message })),
    cause: firstProblem,
  });
}
