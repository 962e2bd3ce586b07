import { EventEmitter } from 'node:events';
import type { Output } from '../printer.ts';

/** An output that keeps what is written, takes no more than it is told to, and may break. */
export type Recorder = Output & {
  text(): string;
  /** From now on the reader is behind, until `drain`. */
  block(): void;
  drain(): void;
  fail(error: Error): void;
};

export const recorder = (): Recorder => {
  const events = new EventEmitter();
  let text = '';
  let isBlocked = false;
  return {
    write: (more, taken) => {
      text += more;
      if (isBlocked) events.once('drain', () => taken?.());
      else taken?.();
      return !isBlocked;
    },
    on: (event, listener) => events.on(event, listener),
    off: (event, listener) => events.off(event, listener),
    text: () => text,
    block: () => {
      isBlocked = true;
    },
    drain: () => {
      isBlocked = false;
      events.emit('drain');
    },
    fail: (error) => void events.emit('error', error),
  };
};
