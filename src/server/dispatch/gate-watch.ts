import type { Clock } from '../../lib/clock.ts';
import type { Gate } from '../../plan/plan.ts';
import type { Decision, RunEvent } from '../../run/run-event.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import { isUntrusted } from '../secrets/who-is-given.ts';
import type { Carried } from './carried-runs.ts';

/** The gates that are open: who waits for a pipeline is told when it turns green, and each when its own time is over. */
export type GateWatch = {
  /** Those of a run that a server before carried. */
  takeUp(carried: Carried): void;
  follow(carried: Carried, events: readonly RunEvent[]): void;
};

export type GateWatchDeps = {
  readonly runs: Pick<RunStore, 'list'>;
  readonly clock: Clock;
  /** Tried until it has come through. */
  background(task: () => Promise<void>): void;
  decide(run: string, gate: string, openedAt: number, decision: Decision): Promise<void>;
  /** Whether a run was about the whole of its pipeline. */
  isWhole(run: string): Promise<boolean>;
};

export const makeGateWatch = ({ runs, clock, background, decide, isWhole }: GateWatchDeps): GateWatch => {
  const open = new Map<string, Watched>();

  const watch = (carried: Carried, name: string): void => {
    const gate = carried.parts()?.indexed.nodes.get(name);
    const state = carried.state();
    const own = state.nodes.get(name);
    if (gate?.kind !== 'gate' || own?.kind !== 'gate' || own.openedAt === undefined) return;
    const { run, project } = carried.row;
    const { openedAt } = own;
    shut(run, name);
    const isOverIn = gate.timeoutMs === undefined ? undefined : Math.max(0, openedAt + gate.timeoutMs - clock.now());
    const expire = (): void => background(() => decide(run, name, openedAt, { kind: 'expired', by: 'clock', at: clock.now() }));
    const stopTimer = isOverIn === undefined ? undefined : clock.after(isOverIn, expire);
    const awaited = awaitedBy(gate, project);
    const watched: Watched = {
      run,
      gate: name,
      openedAt,
      ...(awaited === undefined ? {} : { awaited }),
      ...(stopTimer === undefined ? {} : { stopTimer }),
    };
    open.set(keyOf(run, name), watched);
    if (awaited !== undefined) background(() => lookBack(watched, awaited, state.createdAt));
  };
  const shut = (run: string, gate: string): void => {
    open.get(keyOf(run, gate))?.stopTimer?.();
    open.delete(keyOf(run, gate));
  };

  /** What turned green between the beginning of the run and the opening of its gate (R-DCK-64). */
  const lookBack = async (watched: Watched, { pipelines, name }: Awaited, since: number): Promise<void> => {
    const passed = { outcome: 'passed', finished: true, finishedAfter: since, limit: 100 } as const;
    const found = await Promise.all(pipelines.map((pipeline) => runs.list({ ...pipeline, ...passed })));
    for (const row of found.flat().sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0))) {
      if (row.run === watched.run || isUntrusted(row.trigger) || !(await isWhole(row.run))) continue;
      return decide(watched.run, watched.gate, watched.openedAt, green(name, row, row.finishedAt ?? clock.now()));
    }
  };

  /** What nobody trusts opens no gate: its text says itself when it is green (atk-13). */
  const onGreen = (row: RunRow, at: number): void => {
    if (isUntrusted(row.trigger)) return;
    for (const { run, gate, openedAt, awaited } of open.values()) {
      const isMeant = awaited?.pipelines.some(
        ({ project, pipeline = row.pipeline }) => project === row.project && pipeline === row.pipeline,
      );
      if (awaited === undefined || isMeant !== true || run === row.run) continue;
      background(() => decide(run, gate, openedAt, green(awaited.name, row, at)));
    }
  };

  return {
    takeUp: (carried) => {
      for (const gate of carried.openGates) watch(carried, gate);
    },
    follow: (carried, events) => {
      for (const event of events) {
        if (event.kind === 'gate.opened') watch(carried, event.gate);
        if (event.kind === 'gate.decided' || event.kind === 'gate.skipped') shut(carried.row.run, event.gate);
        if (event.kind === 'run.finished' && event.outcome === 'passed' && carried.state().only === undefined)
          onGreen(carried.row, event.at);
      }
    },
  };
};

type Watched = {
  readonly run: string;
  readonly gate: string;
  readonly openedAt: number;
  readonly awaited?: Awaited;
  readonly stopTimer?: () => void;
};
/** Any of them. */
type Awaited = { readonly name: string; readonly pipelines: readonly { readonly project: string; readonly pipeline?: string }[] };

const keyOf = (run: string, gate: string): string => `${run}/${gate}`;

/**
 * `name`: a pipeline of the same project; `owner/name`: any of that one; `owner/name/pipeline`. Owners may have slashes, too: `a/b/c` is the pipeline `c` of
 * `a/b` as well as any of `a/b/c`.
 */
const awaitedBy = ({ waitsFor }: Gate, project: string): Awaited | undefined => {
  if (waitsFor.kind !== 'pipeline') return undefined;
  const { pipeline: name } = waitsFor;
  const parts = name.split('/');
  if (parts.length === 1) return { name, pipelines: [{ project, pipeline: name }] };
  const lengths = parts.map((_, i) => i + 1).slice(1);
  return {
    name,
    pipelines: lengths.map((length) => ({
      project: parts.slice(0, length).join('/'),
      ...(length === parts.length ? {} : { pipeline: parts.slice(length).join('/') }),
    })),
  };
};

const green = (name: string, { number }: RunRow, at: number): Decision => ({ kind: 'approved', by: `pipeline ${name}, run ${number}`, at });
