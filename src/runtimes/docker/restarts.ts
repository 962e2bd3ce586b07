import type { EngineEvent } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { jsonLines } from './engine/json-lines.ts';

/**
 * Whether the engine is another process than the one that did this to a container. An engine says nowhere when it began, but keeps in its memory what it
 * did last: 256 events. When it remembers many, and not this one, nobody knows; that counts as no.
 */
export const wasRestartedSince = async (engine: Engine, did: 'create' | 'start', container: string): Promise<boolean> => {
  try {
    const { SystemTime } = await engine.json<{ readonly SystemTime: string }>('GET', '/info');
    const until = ((Date.parse(SystemTime) + 1) / 1000).toFixed(3);
    let remembered = 0;
    for await (const event of jsonLines<EngineEvent>(await engine.stream('GET', '/events', { query: { since: '0', until } }))) {
      if (event.Action === did && event.Actor.ID === container) return false;
      remembered++;
    }
    return remembered < many;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'refused') return false;
    throw error;
  }
};

/** Less than all: what came after the question was asked is not among the answers. */
const many = 128;
