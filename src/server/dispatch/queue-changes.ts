import { imagesOf } from '../../plan/stage.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { NewQueueItem, RunChange, RunRow } from '../../store/run-store.ts';
import type { ProjectPolicy } from './dispatcher-deps.ts';
import { isAtPlace } from '../registry/job-images.ts';
import { itemId } from './item-id.ts';
import { type PlanParts, stageIn } from './plan-parts.ts';
import { newestAttempt } from './stage-attempt.ts';

export type QueueChanges = Pick<RunChange, 'push' | 'remove' | 'giveBack'>;

/** What events mean for the queue: an attempt is in it from `stage.queued` to `stage.finished`. Pure. */
export const queueChanges = (
  events: readonly RunEvent[],
  state: RunState,
  parts: PlanParts | undefined,
  row: Pick<RunRow, 'run' | 'project' | 'pipeline'>,
  policy: ProjectPolicy | undefined,
  /** Of the server's registry. */
  place?: string,
): QueueChanges => {
  const push = new Map<string, NewQueueItem>();
  const remove: string[] = [];
  const giveBack = new Set<string>();
  for (const event of events) {
    if (event.kind === 'stage.queued' && parts !== undefined && policy !== undefined) {
      const item = newItem(event, state, parts, row, policy, place);
      push.set(item.id, item);
    }
    if (event.kind === 'stage.returned') giveBack.add(itemId({ ...row, ...event }));
    if (event.kind === 'stage.finished') {
      const id = itemId({ ...row, ...event });
      giveBack.delete(id);
      if (!push.delete(id)) remove.push(id);
    }
  }
  return { push: [...push.values()], remove, giveBack: [...giveBack] };
};

const newItem = (
  { stage: name, attempt, at }: RunEvent & { readonly kind: 'stage.queued' },
  state: RunState,
  parts: PlanParts,
  { run, project, pipeline }: Pick<RunRow, 'run' | 'project' | 'pipeline'>,
  { priority, labels, limit }: ProjectPolicy,
  place: string | undefined,
): NewQueueItem => {
  const worker = workerWithImages(name, state, parts, place);
  const group = groupOf(stageIn(parts, name)?.deploys?.environment, project, limit);
  return {
    id: itemId({ run, stage: name, attempt }),
    run,
    stage: name,
    attempt,
    project,
    pipeline,
    priority,
    labels,
    at,
    ...(group === undefined ? {} : { group }),
    ...(worker === undefined ? {} : { worker }),
  };
};

/** One at a time deploys to an environment of a project. Names of projects have no white space. */
const groupOf = (environment: string | undefined, project: string, limit: number | undefined): NewQueueItem['group'] => {
  if (environment !== undefined) return { name: `environment ${project} ${environment}`, limit: 1 };
  return limit === undefined ? undefined : { name: projectGroup(project), limit };
};

/** Of all that does not deploy. */
export const projectGroup = (project: string): string => `project ${project}`;

/** Where the images are that earlier stages left and pushed nowhere. */
const workerWithImages = (name: string, state: RunState, parts: PlanParts, place: string | undefined): string | undefined => {
  const stage = stageIn(parts, name);
  for (const image of stage === undefined ? [] : imagesOf(stage)) {
    if (image.kind !== 'stage') continue;
    const commit = stageIn(parts, image.stage)?.commit;
    const attempt = newestAttempt(state, image.stage);
    const isPushed = commit?.push === true || (place !== undefined && isAtPlace(place, commit, attempt?.committed?.reference));
    if (!isPushed && attempt?.worker !== undefined) return attempt.worker;
  }
  return undefined;
};
