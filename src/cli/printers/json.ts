import type { Clock } from '../../lib/clock.ts';
import { logObjects } from './log-objects.ts';
import { pacedOutput } from './paced-output.ts';
import type { Output, Printer } from './printer.ts';

export type JsonOptions = { readonly clock: Clock; readonly gone?: (error: Error) => void };

/** One JSON document per line: every event of the run as it is kept, and its logs between them. */
export const jsonPrinter = (output: Output, { clock, gone }: JsonOptions): Printer => {
  const paced = pacedOutput(output, gone);
  const line = (value: object): void | Promise<void> => paced.write(`${JSON.stringify(value)}\n`);
  const logs = logObjects(clock, line);
  return {
    event: (event) => {
      if (event.kind === 'stage.finished') logs.flush(event.stage);
      void line(event);
    },
    log: logs.log,
    note: () => {},
    close: () => {
      logs.flush();
      return paced.close();
    },
  };
};
