import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent } from '../src/run/run-event.ts';
import type { StageDocument } from '../src/results/results.ts';
import { cion, type Ended, type Running, startCion } from './cli.ts';
import { type After, removeImage } from './engine.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Result = Ended & { readonly out: string; readonly err: string };

/** `dockercise` on the real engine, and what can be asked about its runs; all that it made is gone after the tests. */
export const dockerciseFor = (name: string, t: After) => {
  const namespace = `e2e-dockercise-${name}-${process.pid}`;
  const own = (env: Env): Env => ({ CION_NAMESPACE: namespace, CION_DIALECT: 'dockercise', ...env });
  const run = (cwd: string, args: readonly string[] = [], env: Env = {}): Promise<Result> => cion(args, { cwd, env: own(env) });
  t.after(async () => {
    await run(tmpdir(), ['clean', '--all-projects']);
    await removeImage(`${namespace}/pause:3`);
  });

  const eventsOf = async (cwd: string, of = 'last'): Promise<readonly RunEvent[]> =>
    (await run(cwd, ['show', of, '--json'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent);

  return {
    namespace,
    run,
    start: (cwd: string, args: readonly string[] = [], env: Env = {}): Running => startCion(args, { cwd, env: own(env) }),
    /** Runs all, and fails with all that was said when it does not pass. */
    passes: async (cwd: string, args: readonly string[] = ['run'], env: Env = {}): Promise<Result> => {
      const ended = await run(cwd, args, env);
      assert.equal(ended.code, 0, ended.out + ended.err);
      return ended;
    },
    events: eventsOf,
    logOf: async (cwd: string, stage: string, of = 'last'): Promise<string> => (await run(cwd, ['logs', of, stage])).out,
    documentOf: async (cwd: string, stage: string): Promise<StageDocument> => {
      const run = (await eventsOf(cwd)).find((event) => event.kind === 'run.created');
      assert.ok(run?.kind === 'run.created');
      return JSON.parse(readFileSync(join(cwd, '.cion/run', run.run, `${stage}.json`), 'utf8')) as StageDocument;
    },
    /** What lies in a stage's zip. */
    filesOf: async (cwd: string, stage: string, of = 'last'): Promise<readonly string[]> =>
      (await eventsOf(cwd, of)).flatMap((event) =>
        event.kind === 'stage.finished' && event.stage === stage ? (event.artifacts?.files ?? []).map(({ path }) => path) : [],
      ),
    /** How each stage ended, in the order of their ends. */
    outcomes: async (cwd: string, of = 'last'): Promise<Readonly<Record<string, string>>> =>
      Object.fromEntries(
        (await eventsOf(cwd, of)).flatMap((event): [string, string][] => {
          if (event.kind === 'stage.finished') return [[event.stage, event.outcome]];
          return event.kind === 'stage.skipped' ? [[event.stage, 'skipped']] : [];
        }),
      ),
    /** What the engine still has of the runs. */
    left: (): string =>
      (['container', 'volume', 'network'] as const)
        .map((kind) =>
          execFileSync(
            'docker',
            [
              kind,
              'ls',
              '--quiet',
              ...(kind === 'container' ? ['--all'] : []),
              '--filter',
              `label=cion.namespace=${namespace}`,
              '--filter',
              'label=cion.run',
            ],
            { encoding: 'utf8' },
          ),
        )
        .join(''),
  };
};
