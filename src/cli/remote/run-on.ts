import type { BeginJson } from '../../api/acts.ts';
import { gitIn } from '../../source/git.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { PrinterOptions } from '../open-printer.ts';
import { type OutsideOptions, outsideVariables } from '../outside-variables.ts';
import { projectRoot } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import { openRemoteProject, type RemoteOptions, type RemoteProject } from './open-remote.ts';
import { stayWith } from './stay-with.ts';

type RunOptions = RemoteOptions &
  OutsideOptions &
  PrinterOptions & {
    readonly commit?: string;
    readonly ref?: string;
    readonly pipeline?: string;
    readonly target?: string;
    readonly detach?: true;
  };

/** Begins a run on a server, of a commit that was pushed, and stays with it (R-CIO-03). */
export const runOn = async (context: Context, stages: readonly string[], options: RunOptions): Promise<ExitCode> => {
  const remote = await openRemoteProject(context, options);
  const variables = await variablesOf(context, options);
  const begun = await remote.api.begin(remote.project, {
    ...(await commitOf(context, remote, options)),
    ...(options.pipeline === undefined ? {} : { pipeline: options.pipeline }),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(stages.length === 0 ? {} : { stages: [...stages] }),
    ...(variables === undefined ? {} : { variables }),
  });
  return stayOrLeave(context, remote, begun, options);
};

/** With `--detach` only says which run it is. */
export const stayOrLeave = async (
  context: Context,
  remote: RemoteProject,
  { run, number }: { readonly run: string; readonly number: number },
  options: Pick<RunOptions, 'detach' | 'json' | 'plain'>,
): Promise<ExitCode> => {
  if (!options.detach) return stayWith(context, remote, number, [], options);
  const said = options.json
    ? JSON.stringify({ run, number, project: remote.project })
    : `Run ${number} of ${remote.project} has begun: cion show ${number} -f${remote.place} watches it.`;
  await write(context.stdout, `${said}\n`);
  return exitCodes.passed;
};

/** What is here and was pushed: the commit, and the branch that it is the newest of. Of a project that is named, the newest of its default branch. */
const commitOf = async (
  context: Context,
  { isHere }: RemoteProject,
  { commit, ref }: RunOptions,
): Promise<Pick<BeginJson, 'commit' | 'branch' | 'tag'>> => {
  if (commit === undefined && ref !== undefined) return refOf(ref);
  if (commit === undefined && !isHere) return {};
  const git = await gitIn(await projectRoot(context));
  const asked = async (...args: readonly string[]): Promise<string | undefined> => {
    const { stdout, code } = await git(args, { alsoFine: [1, 2, 128, 129] });
    return code === 0 ? stdout.toString().trim() || undefined : undefined;
  };
  const wanted = commit ?? 'HEAD';
  const hash = isHash(wanted) ? wanted : await asked('rev-parse', '--verify', '--quiet', '--end-of-options', `${wanted}^{commit}`);
  if (hash === undefined)
    throw new Refusal('COMMIT_UNKNOWN', `There is no commit ${JSON.stringify(wanted)} here.`, 'Give a whole hash, or --ref.');
  if (ref !== undefined) return { commit: hash, ...refOf(ref) };
  const branch = commit === undefined ? await asked('symbolic-ref', '--quiet', '--short', 'HEAD') : undefined;
  return { commit: hash, ...(branch === undefined ? {} : { branch }) };
};

const isHash = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

const refOf = (ref: string): Pick<BeginJson, 'branch' | 'tag'> => {
  if (ref.startsWith('refs/tags/')) return { tag: ref.slice('refs/tags/'.length) };
  return { branch: ref.replace(/^refs\/heads\//, '') };
};

/** Only what was said with `--env` and `--env-file`: the environment of this machine stays here. */
const variablesOf = async ({ cwd, env }: Context, { env: given, envFile }: RunOptions): Promise<BeginJson['variables']> => {
  if (given === undefined && envFile === undefined) return undefined;
  const named = (given ?? []).flatMap((text) => {
    const value = text.includes('=') ? undefined : env[text];
    return text.includes('=') ? [text] : value === undefined ? [] : [`${text}=${value}`];
  });
  const { names, variable } = await outsideVariables(cwd, {}, { env: named, ...(envFile === undefined ? {} : { envFile }) });
  return Object.fromEntries(names.map((name) => [name, variable(name) ?? '']));
};
