import { join } from 'node:path';
import type { LogKey, Results } from '../results/results.ts';
import type { Budget } from './budget.ts';
import { meaningOf } from './meaning.ts';
import type { Patience } from './patience.ts';
import { openSpool } from './spool.ts';
import { type SpooledLog, spooledLog } from './spooled-log.ts';

/**
 * The results of one attempt, that the server may be away from: logs go to the disk first, below `directory`, and what can be repeated is. What is read
 * of its log is what was appended. A log's `begin` waits for `ready`.
 */
export const spooledResults = (given: {
  readonly results: Results;
  readonly directory: string;
  readonly budget: Budget;
  readonly patience: Patience;
  readonly gone: AbortSignal;
  ready(): Promise<void>;
}): Results => {
  const { results, directory, budget, patience, gone } = given;
  const logs = new Map<string, SpooledLog>();
  const partOf = ({ part }: Pick<LogKey, 'part'>): string => part ?? 'command';

  return {
    ...results,
    begin: async (key, startedAt) => {
      await given.ready();
      const begin = () => results.begin(key, startedAt);
      const first = await patience.until(begin, gone);
      const spool = openSpool(join(directory, partOf(key)), first.position);
      const log = spooledLog({ spool, first, begin, budget, patience, signal: gone });
      logs.set(partOf(key), log);
      return log;
    },
    finish: (key, summary) => patience.until(() => results.finish(key, summary), gone),
    readLog: async function* (key, options) {
      await logs.get(partOf(key))?.drained();
      let { from } = options;
      for (let failures = 1; ; ) {
        try {
          for await (const chunk of results.readLog(key, { ...options, from })) {
            from += chunk.bytes.length;
            failures = 1;
            yield chunk;
          }
          return;
        } catch (error) {
          if (options.signal.aborted || gone.aborted || meaningOf(error) !== 'away') throw error;
          if (failures === 1) patience.waits(error);
          await patience.pause(failures++, AbortSignal.any([gone, options.signal]));
        }
      }
    },
  };
};
