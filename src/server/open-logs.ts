import type { Clock } from '../lib/clock.ts';
import type { LogFrame } from '../api/log-frames.ts';
import type { LogKey, LogWriter, Results } from '../results/results.ts';
import { HttpError } from './http-error.ts';
import { makeTurns } from './turns.ts';

type Position = LogWriter['position'];

/** The logs that workers write at present. All calls of one log happen one after the other, in the order in which they came. */
export type OpenLogs = {
  begin(key: LogKey, startedAt: number): Promise<Position>;
  /**
   * Appends what follows what is durably there, and leaves out what is there already. Rejects with LOG_OUT_OF_ORDER when something is missing
   * before it, and with LOG_TOO_LARGE; what came before that frame is kept.
   */
  append(key: LogKey, frames: readonly LogFrame[]): Promise<Position>;
  close(key: LogKey): Promise<void>;
  closeAll(): Promise<void>;
};

type Slot = { writer?: LogWriter; cancelIdle?: () => void };

export const openLogs = (deps: {
  readonly results: Results;
  readonly clock: Clock;
  readonly limits: { readonly logBytes: number; readonly logIdleMs: number };
}): OpenLogs => {
  const slots = new Map<string, Slot>();
  const turns = makeTurns();
  const nameOf = ({ run, stage, attempt, part }: LogKey): string => JSON.stringify([run, stage, attempt, part]);

  const inTurn = <T>(key: LogKey, action: (slot: Slot) => Promise<T>): Promise<T> =>
    turns(nameOf(key), async () => {
      const slot = slots.get(nameOf(key)) ?? {};
      slots.set(nameOf(key), slot);
      try {
        return await action(slot);
      } finally {
        if (slot.writer === undefined) slots.delete(nameOf(key));
      }
    });

  const shut = async (slot: Slot): Promise<void> => {
    const { writer } = slot;
    slot.cancelIdle?.();
    delete slot.writer;
    await writer?.close();
  };

  const used = (key: LogKey, slot: Slot): void => {
    slot.cancelIdle?.();
    slot.cancelIdle = deps.clock.after(deps.limits.logIdleMs, () => void inTurn(key, shut).catch(() => {}));
  };

  const write = async (writer: LogWriter, { stream, at, bytes, position }: LogFrame): Promise<void> => {
    const durable = writer.position[stream];
    if (position > durable) {
      throw new HttpError('LOG_OUT_OF_ORDER', 409, `The log ends at byte ${durable} of ${stream}; what was sent begins at ${position}.`);
    }
    const news = bytes.subarray(Math.min(durable - position, bytes.length));
    if (news.length === 0) return;
    if (writer.position.stdout + writer.position.stderr + news.length > deps.limits.logBytes) {
      throw new HttpError('LOG_TOO_LARGE', 413, `The log of one attempt may have ${deps.limits.logBytes} bytes.`);
    }
    await writer.append({ stream, at, bytes: news });
  };

  return {
    begin: (key, startedAt) =>
      inTurn(key, async (slot) => {
        await shut(slot);
        slot.writer = await deps.results.begin(key, startedAt);
        used(key, slot);
        return slot.writer.position;
      }),
    append: (key, frames) =>
      inTurn(key, async (slot) => {
        slot.writer ??= await deps.results.begin(key, frames[0]?.at ?? deps.clock.now());
        const { writer } = slot;
        try {
          for (const frame of frames) await write(writer, frame);
        } catch (error) {
          // After what the results could not do, their writer may be anywhere: the next one asks them again.
          if (!(error instanceof HttpError)) await shut(slot).catch(() => {});
          throw error;
        }
        used(key, slot);
        return writer.position;
      }),
    close: (key) => inTurn(key, shut),
    closeAll: async () => {
      await Promise.all(Array.from(slots, ([name, slot]) => turns(name, () => shut(slot))));
    },
  };
};
