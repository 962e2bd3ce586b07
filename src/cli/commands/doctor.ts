import { execFile } from 'node:child_process';
import { access, constants, statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { dialects } from '../../dialects/dialects.ts';
import { connect } from '../../runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../../runtimes/docker/engine/endpoint.ts';
import { compileTree } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { describeError } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { givenForLook } from '../given-for-look.ts';
import { looks } from '../looks.ts';
import { type Check, doctor as doctorLines } from '../printers/doctor.ts';
import { plural, size } from '../../lib/quantities.ts';
import { projectRoot } from '../project.ts';
import { directoryTree } from '../../planning/directory-tree.ts';
import { writeLines } from '../write.ts';

/** Looks at all that cion needs; errored when something is missing without which nothing runs. */
export const doctor = async (context: Context): Promise<ExitCode> => {
  const root = await projectRoot(context);
  const checks = await Promise.all([node(), git(), engine(context), disk(root), configuration(context, root)]);
  await writeLines(context.stdout, doctorLines(checks, looks(context)));
  return checks.some(({ verdict }) => verdict === 'bad') ? exitCodes.errored : exitCodes.passed;
};

const node = async (): Promise<Check> => ({ name: 'Node', verdict: 'good', found: process.versions.node });

const git = async (): Promise<Check> => {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version']);
    return { name: 'git', verdict: 'good', found: stdout.trim().replace(/^git version /, '') };
  } catch {
    return { name: 'git', verdict: 'bad', found: 'not found', advice: 'Install git: cion runs what git sees.' };
  }
};

type EngineInfo = { readonly ServerVersion: string; readonly OperatingSystem: string; readonly NCPU: number; readonly MemTotal: number };

const engine = async ({ env }: Context): Promise<Check> => {
  const name = 'Docker Engine';
  try {
    const connected = await connect(findEndpoint(env), AbortSignal.timeout(20_000), { answerWithinMs: 10_000 });
    try {
      const info = await connected.json<EngineInfo>('GET', '/info', { signal: AbortSignal.timeout(10_000) });
      const machine = `${plural(info.NCPU, 'processor')}, ${size(info.MemTotal)} of memory`;
      return { name, verdict: 'good', found: `${info.ServerVersion} (API ${connected.apiVersion}) at ${connected.name}: ${machine}` };
    } finally {
      await connected.close();
    }
  } catch (error) {
    const { message } = describeError(error);
    return {
      name,
      verdict: 'bad',
      found: message,
      advice: 'Start Docker, or let DOCKER_HOST name an engine that runs. Without one: cion run --runtime fake.',
    };
  }
};

const lowBytes = 2_000_000_000;

const disk = async (root: string): Promise<Check> => {
  const name = 'Disk';
  try {
    await access(root, constants.W_OK);
    const { bavail, bsize } = await statfs(root);
    const found = `${size(bavail * bsize)} free in ${root}`;
    if (bavail * bsize >= lowBytes) return { name, verdict: 'good', found };
    return { name, verdict: 'warning', found, advice: 'Make room: "cion clean --runs-older-than 30d" forgets old runs.' };
  } catch (error) {
    return {
      name,
      verdict: 'bad',
      found: describeError(error).message,
      advice: 'cion keeps runs in the directory .cion of the project, so it must be writable.',
    };
  }
};

const configuration = async (context: Context, root: string): Promise<Check> => {
  const name = 'Configuration';
  try {
    const tree = await compileTree(directoryTree(root), dialects, await givenForLook(context, { root, name: basename(root) }));
    if (tree === undefined) return { name, verdict: 'warning', found: `none in ${root}`, advice: '"cion init" writes one that fits.' };
    if (!tree.compiled.ok) {
      return { name, verdict: 'bad', found: plural(tree.compiled.problems.length, 'problem'), advice: '"cion check" shows them.' };
    }
    const { plan } = tree.compiled;
    return { name, verdict: 'good', found: `${tree.files.map(({ path }) => path).join(', ')}: ${plural(plan.nodes.length, 'stage')}` };
  } catch (error) {
    return { name, verdict: 'bad', found: describeError(error).message };
  }
};
