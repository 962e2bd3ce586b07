import type { Clock } from '../lib/clock.ts';
import type { Results, StoredChunk } from '../results/results.ts';

export type FetchLog = {
  say(line: string): void;
  end(outcome: 'passed' | 'failed' | 'errored' | 'cancelled', message?: string): Promise<void>;
};

/** The log and document of the step `fetch`, kept like those of a stage (R-CIO-15). */
export const fetchLog = (results: Results, run: string, clock: Clock): FetchLog => {
  const key = { run, stage: 'fetch', attempt: 1 };
  const startedAt = clock.now();
  const lines: StoredChunk[] = [];
  const write = (stream: 'stdout' | 'stderr', line: string): void =>
    void lines.push({ stream, bytes: Buffer.from(`${line}\n`), at: clock.now() });
  return {
    say: (line) => write('stdout', line),
    end: async (outcome, message) => {
      if (message !== undefined) write('stderr', message);
      const log = await results.begin(key, startedAt);
      for (const line of lines) await log.append(line);
      await log.close();
      const summary = { outcome, startedAt, finishedAt: clock.now(), hasLog: true, hasArtifacts: false };
      await results.finish(key, { ...summary, ...(message === undefined ? {} : { message }) });
    },
  };
};
