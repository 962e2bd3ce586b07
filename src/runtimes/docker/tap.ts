import type { Clock } from '../../lib/clock.ts';
import type { LogChunk } from '../runtime.ts';
import type { OutputChunk } from './engine/engine.ts';

/**
 * The live output of a container between its start and its reader. Little of it is held; then the command waits for its reader, and when
 * there is none for a while, and `mayCut` says so, the connection is cut, so that the command goes on: the engine's own log has it all.
 */
export type Tap = {
  /** Whether the output has ended or was cut. */
  closed(): boolean;
  /** All of it from the first byte, or `undefined` when it was cut. Called once. */
  read(): AsyncGenerator<LogChunk> | undefined;
  cut(): void;
};

export type TapOptions = { readonly clock: Clock; readonly mayCut: boolean };

export const makeTap = (attachment: { readonly output: AsyncIterable<OutputChunk>; close(): void }, { clock, mayCut }: TapOptions): Tap => {
  const output = attachment.output[Symbol.asyncIterator]();
  const held: LogChunk[] = [];
  let heldBytes = 0;
  let state: 'holding' | 'ended' | 'read' | 'cut' = 'holding';
  let next: Promise<IteratorResult<LogChunk, unknown>> | undefined = output.next();
  let stopWaiting = (): void => {};

  const hold = async (): Promise<void> => {
    try {
      while (state === 'holding' && next !== undefined) {
        const { value, done } = await next;
        if (state !== 'holding') return;
        if (done === true) {
          state = 'ended';
          return;
        }
        held.push(value);
        heldBytes += value.bytes.length;
        next = heldBytes > mostHeld ? undefined : output.next();
      }
      if (state === 'holding' && mayCut) stopWaiting = clock.after(readerIsDueMs, cut);
    } catch {
      if (state === 'holding') state = 'cut';
    }
  };

  const cut = (): void => {
    stopWaiting();
    if (state === 'ended') return;
    state = 'cut';
    held.length = 0;
    attachment.close();
  };

  async function* read(ended: boolean): AsyncGenerator<LogChunk> {
    try {
      yield* held.splice(0);
      if (ended) return;
      for (let each = await (next ?? output.next()); each.done !== true; each = await output.next()) yield each.value;
    } finally {
      attachment.close();
    }
  }

  void hold();
  return {
    closed: () => state === 'ended' || state === 'cut',
    read: () => {
      if (state === 'cut' || state === 'read') return undefined;
      const ended = state === 'ended';
      state = 'read';
      stopWaiting();
      return read(ended);
    },
    cut,
  };
};

const mostHeld = 1024 * 1024;
const readerIsDueMs = 5000;
