export type ComponentState = 'up' | 'degraded' | 'down';

/** How one dependency is doing. */
export interface ComponentReport {
  state: ComponentState;
  /** For the operator; holds no secret. */
  detail?: string;
}

/** One thing that has to be done, in order, before the first request is answered. */
export interface StartStep {
  name: string;
  run(): Promise<void>;
}

/** A start that cannot succeed by waiting: the process says why and exits with 1. */
export class FatalStartError extends Error {}

/**
 * What this process waits for. Rooms add their steps while the application is built, in the order of their imports;
 * `startUp` runs them once the database answers, and until then every route but health says 503.
 */
export class Readiness {
  private readonly steps: StartStep[] = [];
  private readonly probes = new Map<string, () => ComponentReport | Promise<ComponentReport>>();
  /** What is being waited for; null when everything is ready. */
  waitingFor: string | null = 'start';
  stopping = false;
  /** What the operator has to be told once, such as a generated password; printed when everything is ready. */
  readonly notices: string[] = [];

  addStep(step: StartStep): void {
    this.steps.push(step);
  }

  /** Adds a dependency to `/health/ready`. */
  addProbe(name: string, probe: () => ComponentReport | Promise<ComponentReport>): void {
    this.probes.set(name, probe);
  }

  get ready(): boolean {
    return this.waitingFor === null && !this.stopping;
  }

  /**
   * Runs the steps in order; a step that fails is tried again every second until it succeeds, so that a database that
   * is down at the start only delays the process.
   * @throws FatalStartError when waiting cannot help.
   * @param onFailure told of each failed try.
   * @param wait pauses between tries; rejects when the process stops.
   */
  async startUp(onFailure: (step: string, error: unknown) => void, wait: (ms: number) => Promise<void>): Promise<void> {
    for (const step of this.steps) {
      this.waitingFor = step.name;
      for (;;) {
        try {
          await step.run();
          break;
        } catch (error) {
          if (this.stopping) return;
          if (error instanceof FatalStartError) throw error;
          onFailure(step.name, error);
          await wait(1_000);
        }
      }
    }
    this.waitingFor = null;
  }

  /**
   * The state of every dependency; a probe that throws, or does not answer in time, is down.
   * @param timeoutMs how long to wait for a probe.
   */
  async report(timeoutMs: number): Promise<Record<string, ComponentReport>> {
    const entries = [...this.probes].map(async ([name, probe]) => {
      const late = AbortSignal.timeout(timeoutMs);
      const silence = new Promise<ComponentReport>((resolve) =>
        late.addEventListener('abort', () => resolve({ state: 'down', detail: 'no answer' })),
      );
      try {
        return [name, await Promise.race([probe(), silence])] as const;
      } catch {
        // The error itself may name hosts and logins; the log has it.
        return [name, { state: 'down', detail: 'failed' } as ComponentReport] as const;
      }
    });
    return Object.fromEntries(await Promise.all(entries));
  }
}
