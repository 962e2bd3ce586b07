import type { QueueItem } from '../../store/queue.ts';

/** A worker as the server sees it. */
export type WorkerSeen = {
  readonly name: string;
  readonly labels: readonly string[];
  readonly slots: number;
  readonly isConnected: boolean;
};

/** Why an item of the queue is still in it: the first thing that keeps it there. `queue`: in the order of turns. Pure. */
export const whyQueued = (id: string, queue: readonly QueueItem[], workers: readonly WorkerSeen[]): string => {
  const item = queue.find((each) => each.id === id);
  if (item === undefined) return 'It is on its way into the queue';
  if (item.claim !== undefined) return `${item.claim.worker} has just taken it`;
  return withoutWorker(item, workers) ?? withoutRoom(item, queue) ?? behindOthers(item, queue, workers);
};

const mayTake = (item: QueueItem, { name, labels }: WorkerSeen): boolean =>
  (item.worker ?? name) === name && item.labels.every((label) => labels.includes(label));

const withoutWorker = (item: QueueItem, workers: readonly WorkerSeen[]): string | undefined => {
  const connected = workers.filter(({ isConnected }) => isConnected);
  if (connected.some((worker) => mayTake(item, worker))) return undefined;
  if (connected.length === 0) return 'It is queued, and no worker is connected';
  if (item.worker !== undefined && !connected.some(({ name }) => name === item.worker)) {
    return `It is queued for ${item.worker}, which has its image and is not connected`;
  }
  return `It is queued, and no connected worker has the labels ${item.labels.join(', ')}`;
};

const withoutRoom = ({ group }: QueueItem, queue: readonly QueueItem[]): string | undefined => {
  if (group === undefined) return undefined;
  const ahead = queue.filter((other) => other.claim !== undefined && other.group?.name === group.name);
  const first = ahead[0];
  if (ahead.length < group.limit || first === undefined) return undefined;
  return `It is queued until there is room in "${group.name}": ${ahead.length} at a time, and ${first.stage} of ${first.run} has its place`;
};

const behindOthers = (item: QueueItem, queue: readonly QueueItem[], workers: readonly WorkerSeen[]): string => {
  const waiting = queue.filter((other) => other.claim === undefined);
  const before = waiting.indexOf(item);
  const able = workers.filter((worker) => worker.isConnected && mayTake(item, worker));
  const isBusy = ({ name, slots }: WorkerSeen): boolean => queue.filter((other) => other.claim?.worker === name).length >= slots;
  const place = before === 0 ? 'it is the next' : `${before} ${before === 1 ? 'is' : 'are'} before it`;
  if (able.every(isBusy)) return `It is queued: all workers that may take it are busy, and ${place}`;
  return `It is queued: ${place}`;
};
