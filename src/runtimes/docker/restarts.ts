import type { ContainerRecord, EngineEvent } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { jsonLines } from './engine/json-lines.ts';
import { asRuntimeError, unlessGone } from './failures.ts';

/**
 * Whether the engine is another process than the one that did this to a container. An engine says nowhere when it began, so it is asked for what it has in its
 * memory alone. First for the witness, where there is one; then for the events, of which it remembers 256: when it remembers many, and not this one, nobody knows,
 * and that counts as no.
 */
export const wasRestartedSince = async (engine: Engine, did: 'create' | 'start', container: ContainerRecord): Promise<boolean> => {
  try {
    return (await lacksWitness(engine, container)) ?? (await hasForgotten(engine, did, container.Id));
  } catch (error) {
    if (error instanceof EngineError && error.code === 'refused') return false;
    throw error;
  }
};

/**
 * Leaves a witness of a container that has just been made with the one that keeps its network and outlives it: an exec that is never started. Its own would end
 * with it.
 */
export const leaveWitness = async (engine: Engine, networkMode: string, id: string): Promise<void> => {
  const keeper = keeperOf(networkMode);
  if (keeper === undefined) return;
  try {
    await engine.json('POST', `/containers/${keeper}/exec`, { body: { Cmd: ['cion-witness', id] } });
  } catch (error) {
    throw asRuntimeError(error, 'the container of a network cannot be used', 'CONTAINER_START_FAILED');
  }
};

const keeperOf = (networkMode: string): string | undefined => /^container:(.+)$/.exec(networkMode)?.[1];

/** `undefined`: nobody could have one. */
const lacksWitness = async (engine: Engine, { Id, HostConfig }: ContainerRecord): Promise<boolean | undefined> => {
  const keeper = keeperOf(HostConfig.NetworkMode);
  const kept = keeper === undefined ? undefined : await unlessGone(engine.json<Keeper>('GET', `/containers/${keeper}/json`));
  if (kept === undefined || !kept.State.Running) return undefined;
  for (const exec of kept.ExecIDs ?? []) {
    const record = await unlessGone(engine.json<Exec>('GET', `/exec/${exec}/json`));
    if (record?.ProcessConfig?.arguments?.includes(Id) === true) return false;
  }
  return true;
};

const hasForgotten = async (engine: Engine, did: string, container: string): Promise<boolean> => {
  const { SystemTime } = await engine.json<{ readonly SystemTime: string }>('GET', '/info');
  const until = ((Date.parse(SystemTime) + 1) / 1000).toFixed(3);
  let remembered = 0;
  for await (const event of jsonLines<EngineEvent>(await engine.stream('GET', '/events', { query: { since: '0', until } }))) {
    if (event.Action === did && event.Actor.ID === container) return false;
    remembered++;
  }
  return remembered < many;
};

/** Less than all: what came after the question was asked is not among the answers. */
const many = 128;

type Keeper = { readonly State: { readonly Running: boolean }; readonly ExecIDs: readonly string[] | null };
type Exec = { readonly ProcessConfig?: { readonly arguments?: readonly string[] } };
