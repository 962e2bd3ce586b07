import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { localRepository } from '../src/cli/image-names.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import { type Ended, type Running, startCion } from './cli.ts';
import type { After } from './engine.ts';
import { leftovers } from './leftovers.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Result = Ended & { readonly out: string; readonly err: string };
type StepEnd = Extract<RunEvent, { kind: 'step.finished' }>;

/** `wercker.yml` on the real engine, and what can be asked about its runs; all that it made is gone after the tests. */
export const werckerFor = (name: string, t: After) => {
  const namespace = `e2e-wercker-${name}-${process.pid}`;
  const own = (env: Env): Env => ({ CION_NAMESPACE: namespace, CION_PLAIN: '1', ...env });
  /** Where the images of the runs of each project are. */
  const repositories = new Set<string>();
  const start = (cwd: string, args: readonly string[], env: Env = {}): Running => {
    repositories.add(localRepository(basename(cwd)));
    return startCion(args, { cwd, env: own(env) });
  };
  const run = async (cwd: string, args: readonly string[], env: Env = {}): Promise<Result> => {
    const ended = await start(cwd, args, env).ended;
    return { ...ended, out: ended.stdout.toString(), err: ended.stderr.toString() };
  };
  t.after(async () => {
    await run(tmpdir(), ['clean', '--all-projects', '--caches']);
    const filters = [`label=cion.namespace=${namespace}`, ...[...repositories].map((repository) => `reference=${repository}`)];
    const images = filters.flatMap((filter) =>
      execFileSync('docker', ['image', 'ls', '--all', '--quiet', '--filter', filter], { encoding: 'utf8' }).split('\n'),
    );
    const ids = [...new Set(images.filter((id) => id !== ''))];
    if (ids.length > 0) execFileSync('docker', ['rmi', '--force', ...ids], { stdio: 'ignore' });
  });

  const ends = async (code: number, cwd: string, args: readonly string[], env: Env): Promise<Result> => {
    const ended = await run(cwd, args, env);
    assert.equal(ended.code, code, ended.out + ended.err);
    return ended;
  };
  const events = async (cwd: string, of = 'last'): Promise<readonly RunEvent[]> =>
    (await run(cwd, ['show', of, '--json'], { CION_PLAIN: undefined })).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent);

  return {
    namespace,
    run,
    events,
    start,
    /** Fails with all that was said when the run does not pass. */
    passes: (cwd: string, args: readonly string[] = ['build'], env: Env = {}): Promise<Result> => ends(0, cwd, args, env),
    fails: (cwd: string, args: readonly string[] = ['build'], env: Env = {}): Promise<Result> => ends(1, cwd, args, env),
    /** What one step wrote to stdout, else the whole pipeline. */
    logOf: async (cwd: string, { step, of = 'last' }: { readonly step?: string; readonly of?: string } = {}): Promise<string> => {
      const { code, out, err } = await run(cwd, ['logs', of, ...(step === undefined ? [] : ['--step', step])]);
      assert.equal(code, 0, err);
      return out;
    },
    /** How each step ended, in the order of their ends. */
    steps: async (cwd: string, of = 'last'): Promise<readonly StepEnd[]> =>
      (await events(cwd, of)).filter((event) => event.kind === 'step.finished'),
    /** The stage's end: there is one stage in a pipeline. */
    end: async (cwd: string, of = 'last'): Promise<Extract<RunEvent, { kind: 'stage.finished' }>> => {
      const found = (await events(cwd, of)).findLast((event) => event.kind === 'stage.finished');
      assert.ok(found?.kind === 'stage.finished');
      return found;
    },
    /** What the engine still has of the runs. */
    left: (): string => leftovers(namespace, 'runs'),
  };
};
