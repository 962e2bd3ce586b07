import type { RunEvent } from '../run/run-event.ts';
import { LocalError } from './local-error.ts';

export type JournalLines = {
  readonly events: readonly RunEvent[];
  /** How far they go. What follows is the rest of a line that a crash tore, or that is being written. */
  readonly bytes: number;
};

/** Reads the lines of a journal, or of its tail after the event `after`. Kinds of event that are not known are kept as they are. */
export const parseJournal = (text: Buffer, run: string, after = 0): JournalLines => {
  const events: RunEvent[] = [];
  let bytes = 0;
  for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, bytes)) {
    const event = parseEvent(text.toString('utf8', bytes, end));
    if (event?.seq !== after + events.length + 1) {
      if (end === text.length - 1) break;
      throw new LocalError(
        'JOURNAL_BROKEN',
        `The journal of ${run} is broken: line ${after + events.length + 1} is not the event it should be.`,
      );
    }
    events.push(event);
    bytes = end + 1;
  }
  return { events, bytes };
};

export const journalLine = (event: RunEvent): string => `${JSON.stringify(event)}\n`;

const parseEvent = (line: string): RunEvent | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'kind' in value && 'seq' in value ? (value as RunEvent) : undefined;
  } catch {
    return undefined;
  }
};
