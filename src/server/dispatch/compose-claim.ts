import type { Claimed } from '../../api/worker-protocol.ts';
import type { Started } from '../../engine/attempt.ts';
import { outputsAskedBy } from '../../plan/stage.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';
import { isUntrusted } from '../secrets/who-is-given.ts';
import type { Carried } from './carried-runs.ts';
import type { DispatcherDeps, DispatchLimits } from './dispatcher-deps.ts';
import type { HeldLease } from './leases.ts';
import { pinnedImages } from './pinned-images.ts';
import { type PlanParts, stageIn } from './plan-parts.ts';
import { cancelOf, newestAttempt, openAttempt } from './stage-attempt.ts';
import { volumeContents, volumesToKeep } from './volumes.ts';

/** All that a worker needs for what it was given; `undefined` when that has ended meanwhile. Rejects with why the attempt cannot be begun. */
export const composeClaim = async (
  carried: Carried,
  lease: HeldLease,
  { outsideOf, images }: Pick<DispatcherDeps, 'outsideOf' | 'images'>,
  { leaseMs, graceMs }: Pick<DispatchLimits, 'leaseMs' | 'graceMs'>,
): Promise<Claimed | undefined> => {
  const parts = carried.parts();
  const state = carried.state();
  const stage = parts === undefined ? undefined : stageIn(parts, lease.stage);
  const attempt = openAttempt(state, lease.stage, lease.attempt);
  if (parts === undefined || stage === undefined || attempt === undefined) return undefined;
  const work = pinnedImages(state, await parts.items.withImages(parts.items.of(stage, lease.attempt)));
  const { redact, ...outside } = await outsideOf(state, stage);
  const given = (await images?.forClaim(state, parts.indexed.plan, work, lease)) ?? { work };
  const started = startedOf(attempt);
  return {
    lease: { item: lease.item, token: lease.token, leaseMs, graceMs },
    ...given,
    ...(isUntrusted(state.trigger) ? { withoutLogins: true } : {}),
    number: state.number,
    ...(started === undefined ? {} : { started }),
    volumes: volumeContents(parts, state, stage, work),
    outputs: outputsFor(parts, state, outputsAskedBy(work.stage)),
    outside,
    redact,
    isAsked: parts.asked.has(stage.name),
    isMounted: parts.mounted.has(stage.name),
    keep: volumesToKeep(parts, state, stage, work),
    cancel: cancelOf(state, stage),
  };
};

const outputsFor = (parts: PlanParts, state: RunState, stages: readonly string[]): Claimed['outputs'] =>
  Object.fromEntries(
    stages.flatMap((name) => {
      const attempt = newestAttempt(state, name);
      if (attempt?.output === undefined) return [];
      const sensitive = stageIn(parts, name)?.sensitive === true;
      return [[name, { attempt: attempt.attempt, digest: attempt.output.digest, sensitive }]];
    }),
  );

/** What was recorded of an attempt that was let go. */
const startedOf = ({ startedAt, image, container, output, done, steps }: AttemptState): Started | undefined =>
  startedAt === undefined
    ? undefined
    : {
        startedAt,
        steps,
        ...(image === undefined ? {} : { image }),
        ...(container === undefined ? {} : { container }),
        ...(output === undefined ? {} : { output }),
        ...(done === undefined ? {} : { done }),
      };
