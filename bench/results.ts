import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsResults } from '../src/results/fs/fs-results.ts';

const chunk = Buffer.alloc(32 * 1024, 'log line\n');

/** Milliseconds for a log of so many chunks of 32 KB of both streams, kept as the log of a stage. */
export const keptLog = (chunks: number): Promise<number> =>
  inDirectory(async (root) => {
    const log = await fsResults({ root }).begin({ run: 'run_1', stage: 'build', attempt: 1 }, 0);
    for (let i = 0; i < chunks; i++) await log.append({ stream: i % 7 ? 'stdout' : 'stderr', bytes: chunk, at: i });
    await log.close();
  });

/** The same bytes, written to a file. */
export const plainFile = (chunks: number): Promise<number> =>
  inDirectory(async (root) => {
    const file = await open(join(root, 'log'), 'w');
    for (let i = 0; i < chunks; i++) await file.write(chunk);
    await file.close();
  });

const inDirectory = async (work: (root: string) => Promise<void>): Promise<number> => {
  const root = await mkdtemp(join(tmpdir(), 'cion-bench-'));
  try {
    const began = performance.now();
    await work(root);
    return performance.now() - began;
  } finally {
    await rm(root, { recursive: true });
  }
};
