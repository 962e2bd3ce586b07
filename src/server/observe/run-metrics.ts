import type { RunMetrics, StageMetrics } from '../../api/run-metrics.ts';
import { fold } from '../../run/fold.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { AttemptState, RunState, StepState } from '../../run/run-state.ts';

/** Start, stop and usage of a run and of each attempt, from its events (R-WRK-67). `undefined` without any. */
export const runMetricsOf = (events: readonly RunEvent[]): RunMetrics | undefined => {
  const state = fold(events);
  if (state === undefined) return undefined;
  const stages = stageMetrics(state, events);
  const { run, number, createdAt, finishedAt, outcome, fetch } = state;
  return {
    run,
    number,
    createdAt,
    ...(outcome === undefined ? {} : { outcome }),
    ...(fetch.startedAt === undefined ? {} : { startedAt: fetch.startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt, durationMs: between(createdAt, finishedAt) }),
    usage: {
      attempts: stages.length,
      containerMs: sum(stages, ({ runningMs = 0 }) => runningMs),
      sourceBytes: events.reduce((bytes, event) => (event.kind === 'source.kept' ? event.bytes : bytes), 0),
      outputBytes: sum(stages, ({ outputBytes }) => outputBytes),
      artifactBytes: sum(stages, ({ artifactBytes }) => artifactBytes),
      volumeBytes: sum(stages, ({ volumeBytes }) => volumeBytes),
      imagesPulled: sum(stages, ({ isPulled }) => Number(isPulled)),
    },
    stages,
  };
};

const stageMetrics = (state: RunState, events: readonly RunEvent[]): readonly StageMetrics[] => {
  const taken = new Map<string, number>();
  const volumes = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'stage.preparing') taken.set(keyOf(event.stage, event.attempt), event.at);
    if (event.kind !== 'volume.kept') continue;
    const key = keyOf(event.stage, event.attempt);
    volumes.set(key, (volumes.get(key) ?? 0) + event.bytes);
  }
  return Array.from(state.nodes.values()).flatMap((node) =>
    node.kind === 'gate'
      ? []
      : node.attempts.map((attempt) => {
          const key = keyOf(node.name, attempt.attempt);
          return attemptMetrics(node.name, attempt, { takenAt: taken.get(key), volumeBytes: volumes.get(key) ?? 0 });
        }),
  );
};

const attemptMetrics = (
  stage: string,
  { attempt, outcome, worker, queuedAt, startedAt, finishedAt, output, artifacts, image, steps }: AttemptState,
  { takenAt, volumeBytes }: { readonly takenAt: number | undefined; readonly volumeBytes: number },
): StageMetrics => ({
  stage,
  attempt,
  queuedAt,
  outputBytes: output?.bytes ?? 0,
  artifactBytes: artifacts?.bytes ?? 0,
  volumeBytes,
  isPulled: image?.pulled ?? false,
  steps: steps.map(stepMetrics),
  ...(outcome === undefined ? {} : { outcome }),
  ...(worker === undefined ? {} : { worker }),
  ...(startedAt === undefined ? {} : { startedAt }),
  ...(finishedAt === undefined ? {} : { finishedAt }),
  ...(takenAt === undefined ? {} : { queuedMs: between(queuedAt, takenAt) }),
  ...(takenAt === undefined || startedAt === undefined ? {} : { preparingMs: between(takenAt, startedAt) }),
  ...(startedAt === undefined || finishedAt === undefined ? {} : { runningMs: between(startedAt, finishedAt) }),
});

const stepMetrics = ({ id, startedAt, finishedAt, outcome }: StepState) => ({
  step: id,
  startedAt,
  ...(finishedAt === undefined ? {} : { finishedAt, durationMs: between(startedAt, finishedAt) }),
  ...(outcome === undefined ? {} : { outcome }),
});

const keyOf = (stage: string, attempt: number): string => `${attempt}/${stage}`;

const sum = (stages: readonly StageMetrics[], of: (stage: StageMetrics) => number): number =>
  stages.reduce((total, stage) => total + of(stage), 0);

/** Clocks are set back. */
const between = (from: number, to: number): number => Math.max(0, to - from);
