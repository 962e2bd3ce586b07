import type { Created } from '../api.ts';
import type { Engine } from '../engine/engine.ts';
import { stateDirectory } from './conductor.ts';

/**
 * All processes of a container but the first: the conductor goes on; with `stop`, to its end. As the container's own user: there are no others,
 * for nothing there gains privileges, and root has the right to kill.
 */
export const seize = async (engine: Engine, container: string, how: 'interrupt' | 'stop'): Promise<void> => {
  const script = how === 'stop' ? `: >${stateDirectory}/stop; kill -TERM -1` : 'kill -KILL -1';
  const body = { Cmd: ['/bin/sh', '-c', script] };
  const { Id } = await engine.json<Created>('POST', `/containers/${container}/exec`, { body });
  await engine.json('POST', `/exec/${Id}/start`, { body: { Detach: true } });
};
