import type { Engine } from './engine/engine.ts';
import { unlessGone } from './failures.ts';

type ExecRecord = { readonly Running: boolean; readonly ExitCode: number | null };

/** How a command ended that was run in a container, asked when its output has ended: the engine may learn of it a little later. */
export const exitOfExec = async (engine: Engine, id: string): Promise<number> => {
  for (let looks = 0; looks < mostLooks; looks++) {
    const record = await unlessGone(engine.json<ExecRecord>('GET', `/exec/${id}/json`));
    if (record === undefined) return killed;
    if (!record.Running) return record.ExitCode ?? killed;
  }
  return killed;
};

const mostLooks = 1000;

/** With its container. */
const killed = 137;
