import { Injectable } from '@nestjs/common';
import { EnvironmentsService } from '../../environments/environments.service.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { ConfigurationsService } from '../configurations/configurations.service.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { type ChangeWork, FeatureChanges } from '../feature-changes.js';
import { SegmentsService } from '../segments/segments.service.js';
import type { Attempts } from './attempts.js';
import { ImportRun, type Writers } from './import-run.js';
import { type ImportView, toImportView } from './import.view.js';
import { readDocument } from './read-document.js';
import type { ImportRequest } from './transfer.dto.js';

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
   * @param dryRun the same, taken back at its end.
   * @throws Problem `validation_failed` for a document that cannot be read; for a run whatever was refused first, with all
   * that was.
   */
  async import(actor: Actor, request: ImportRequest, dryRun: boolean): Promise<ImportView> {
    const source = readDocument(request);
    const work: ChangeWork<{ run: ImportRun; view: ImportView }> = async (em, change) => {
      const writer = this.changes.within(em, change);
      const run = new ImportRun(em, actor, this.writers, writer, change, source);
      await run.run();
      return { run, view: toImportView(dryRun, source, run, change.entries) };
    };
    if (dryRun) return (await this.changes.tryOut(work, async () => null)).done.view;
    const whole: typeof work = async (em, change) => {
      const done = await work(em, change);
      refuse(done.run.attempts);
      return done;
    };
    return (await this.changes.change(whole, { reason: request.reason })).view;
  }
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
