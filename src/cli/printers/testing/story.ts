import type { Clock } from '../../../lib/clock.ts';
import type { Plan, PlanNode, Stage } from '../../../plan/plan.ts';
import { reference, stage } from '../../../plan/stage.ts';
import { folding } from '../../../run/fold.ts';
import type { Cause, Outcome } from '../../../run/outcome.ts';
import type { RunFact } from '../../../run/run-event.ts';
import type { RunState } from '../../../run/run-state.ts';
import type { StreamName } from '../../../runtimes/runtime.ts';
import type { Printer } from '../printer.ts';

/** Tells a run to a printer, as an engine would: events with the state they lead to, logs and notes. */
export const tellStory = (clock: Clock, printer?: Printer) => {
  const folded = folding();
  let seq = 0;
  const tell = (...facts: readonly RunFact[]): void => {
    for (const fact of facts) {
      const event = { seq: ++seq, at: clock.now(), ...fact };
      folded.add(event);
      printer?.event(event, state());
    }
  };
  const state = (): RunState => {
    const known = folded.state();
    if (known === undefined) throw new Error('the story has not begun');
    return known;
  };
  return {
    tell,
    state,
    created: (number = 12, project = 'shop') =>
      tell({ kind: 'run.created', run: `run_${'0'.repeat(26)}`, number, project, trigger: { kind: 'manual', by: 'anna' } }),
    fetched: (changedFiles = 0) =>
      tell(
        { kind: 'fetch.started' },
        {
          kind: 'fetch.finished',
          source: { commit: commitHash, branch: 'main', subject: 'Sell shoes too', changedFiles, files: 214, bytes: 1_200_000 },
        },
      ),
    planned: (plan: Plan, only?: readonly string[]) =>
      tell({ kind: 'run.planned', plan, digest: digest('a'), ...(only === undefined ? {} : { only }) }),
    queued: (name: string, attempt = 1, because?: Cause) =>
      tell({ kind: 'stage.queued', stage: name, attempt, ...(because === undefined ? {} : { because }) }),
    preparing: (name: string, attempt = 1) => tell({ kind: 'stage.preparing', stage: name, attempt }),
    started: (name: string, attempt = 1, pulled = false) =>
      tell(
        { kind: 'image.resolved', stage: name, attempt, reference: 'busybox:latest', digest: digest('b'), pulled },
        { kind: 'stage.started', stage: name, attempt, container: `cion-${name}-${attempt}` },
      ),
    stepStarted: (name: string, step: string, log = { stdout: 0, stderr: 0 }) =>
      tell({ kind: 'step.started', stage: name, attempt: 1, step, log }),
    stepFinished: (name: string, step: string, exitCode = 0, more: Partial<RunFact & { kind: 'step.finished' }> = {}) =>
      tell({ kind: 'step.finished', stage: name, attempt: 1, step, outcome: exitCode === 0 ? 'passed' : 'failed', exitCode, ...more }),
    finished: (
      name: string,
      outcome: Exclude<Outcome, 'skipped'> = 'passed',
      more: { cause?: Cause; attempt?: number; files?: number } = {},
    ) =>
      tell({
        kind: 'stage.finished',
        stage: name,
        attempt: more.attempt ?? 1,
        outcome,
        ...(more.cause === undefined ? {} : { cause: more.cause }),
        ...(more.files === undefined ? {} : { artifacts: someArtifacts(name, more.files) }),
      }),
    ended: (outcome: Outcome) => tell({ kind: 'run.finished', outcome }),
    log: (name: string, text: string | Uint8Array, stream: StreamName = 'stdout', attempt = 1): void =>
      void printer?.log(name, attempt, { stream, bytes: typeof text === 'string' ? Buffer.from(text) : text }),
  };
};

export const commitHash = 'abc1234def5678abc1234def5678abc1234def56';
export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

export const someArtifacts = (name: string, files: number) => ({
  key: `${name}.zip`,
  bytes: files * 1_400_000,
  files: Array.from({ length: files }, (_, index) => ({ path: `dist/${index}.js`, bytes: 4_000_000, mode: 0o644, digest: digest('c') })),
});

/** A plan in a few words: `{ release: ['build'] }` with the needs of each. */
export const somePlan = (needs: Readonly<Record<string, readonly string[]>>, more: Readonly<Record<string, Partial<Stage>>> = {}): Plan =>
  planOf(
    Object.entries(needs).map(([name, names]) =>
      stage({
        name,
        image: reference('busybox:latest'),
        needs: names.map((node) => ({ node, on: 'passed' })),
        ...more[name],
      }),
    ),
  );

export const planOf = (nodes: readonly PlanNode[]): Plan => ({ version: 1, pipeline: 'cion', nodes, volumes: [] });
