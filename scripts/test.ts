import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * node scripts/test.ts [part of a path | --test-… option] …: runs the test files whose path contains one of the parts, or all. Nothing
 * forces a test file to end: one that leaves something open is ended, and named, when the runner has said nothing for a while.
 */
const given = process.argv.slice(2);
const parts = given.filter((argument) => !argument.startsWith('-'));
const options = given.filter((argument) => argument.startsWith('-'));
const silentMs = 15 * 60_000;
/** The tests start some thousand processes that load the same sources: compiled once. */
const compileCache = join(import.meta.dirname, '../node_modules/.cache/compile');

const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'e2e/**/*.test.ts'])
  .sort()
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));

if (files.length === 0) {
  process.stderr.write(`no test file has ${parts.map((part) => `"${part}"`).join(' or ')} in its path\n`);
  process.exit(2);
}

const runner = spawn(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    '--test-timeout=400000',
    `--test-concurrency=${Math.max(2, availableParallelism())}`,
    ...options,
    ...files,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: compileCache } },
);

const watchdog = setTimeout(end, silentMs);
runner.stdout.on('data', (bytes: Buffer) => {
  watchdog.refresh();
  process.stdout.write(bytes);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => runner.kill('SIGTERM'));
runner.on('close', (code) => {
  clearTimeout(watchdog);
  process.exitCode = code ?? 1;
});

function end() {
  process.stderr.write(`nothing happened for ${silentMs / 60_000} minutes: a test, or something that it left open, hangs\n`);
  runner.kill('SIGTERM');
}
