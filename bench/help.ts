import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { median } from './measure.ts';

/** Milliseconds that `cion --help` takes as it is published, and an empty Node beside it. */
export const helpStart = async (times: number): Promise<{ readonly compiled: number; readonly node: number }> => {
  if (!existsSync('dist/main.js')) execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  const timed = (args: readonly string[]): number => {
    const began = performance.now();
    execFileSync(process.execPath, args, { stdio: 'ignore' });
    return performance.now() - began;
  };
  const samples = Array.from({ length: times * 4 }, () => ({ compiled: timed(['dist/main.js', '--help']), node: timed(['-e', '0']) }));
  return { compiled: median(samples.map((sample) => sample.compiled)), node: median(samples.map((sample) => sample.node)) };
};
