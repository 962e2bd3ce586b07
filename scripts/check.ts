import { execFile } from 'node:child_process';

/** node scripts/check.ts: every gate that needs no engine, two at a time. A line each; of those that fail, all they say. */
type Gate = { readonly name: string; readonly command: readonly [string, ...string[]] };

const bin = (name: string): string => `node_modules/.bin/${name}`;
const tests = (folder: string): Gate['command'] => [process.execPath, '--test', '--test-reporter=spec', `test/${folder}`];

const gates: readonly Gate[] = [
  { name: 'types', command: [bin('tsc'), '-p', '.'] },
  { name: 'lint', command: [bin('oxlint')] },
  { name: 'format', command: [bin('biome'), 'format', '.'] },
  { name: 'arrows', command: tests('architecture/*.test.ts') },
  { name: 'unused code', command: [bin('knip'), '--no-progress'] },
  { name: 'docs', command: tests('docs/*.test.ts') },
  { name: 'requirements', command: [process.execPath, 'scripts/requirements.ts', '--check'] },
];

const atOnce = 2;
const secondsSince = (from: number): string => `${((performance.now() - from) / 1000).toFixed(1)} s`;

const passes = ({ name, command: [file, ...args] }: Gate): Promise<boolean> =>
  new Promise((resolve) => {
    const from = performance.now();
    execFile(file, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      console.log(`${error === null ? '✔' : '✖'} ${name.padEnd(14)} ${secondsSince(from)}`);
      if (error !== null) console.log(`${stdout}${stderr}`.replace(/^✔.*\n/gm, '').trimEnd() || error.message);
      resolve(error === null);
    });
  });

const from = performance.now();
const waiting = gates.values();
const failed: string[] = [];
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (const gate of waiting) if (!(await passes(gate))) failed.push(gate.name);
  }),
);

console.log(failed.length === 0 ? `all checks passed in ${secondsSince(from)}` : `failed: ${failed.join(', ')} (${secondsSince(from)})`);
process.exitCode = failed.length === 0 ? 0 : 1;
