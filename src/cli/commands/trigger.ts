import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { isHash, isNoCommit, isRef } from '../../server/forges/git-ref.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { callHook, HookCallError, type MovedRef } from '../hook-call.ts';
import { visible } from '../printers/visible.ts';
import { Refusal } from '../refusal.ts';
import { type Untold, untoldOf } from '../untold.ts';

export type TriggerOptions = { readonly ref?: string; readonly commit?: string; readonly by?: string; readonly untold?: true };

/**
 * For the post-receive hook of any git server: tells a cion server which branches and tags have new commits (R-DCK-86). What the server cannot be told of now is kept beside the repository, and
 * told with the next push, or by `--untold`.
 */
export const trigger = async (context: Context, address: string, options: TriggerOptions): Promise<ExitCode> => {
  const url = addressOf(address);
  const secret = await secretOf(context);
  const by = options.by ?? context.env.GL_USERNAME ?? context.env.GL_USER ?? context.env.REMOTE_USER ?? context.env.USER ?? 'git';
  const untold = options.ref === undefined ? await untoldOf(context, url) : undefined;
  if (options.untold && untold === undefined)
    throw new Refusal('USAGE', 'There is no repository here.', 'Call it in the repository of the hook.');
  const news: readonly Telling[] = (await movedRefs(context, options)).map((moved) => ({ moved: { ...moved, by }, keep: untold?.keep }));
  const tellings: readonly Telling[] = [...((await untold?.list()) ?? []), ...news];
  for (const [index, { moved, done }] of tellings.entries()) {
    try {
      await callHook(url, secret, moved);
    } catch (error) {
      const isRefused = error instanceof Refusal && error.code === 'HOOK_REFUSED';
      if ((!isRefused && !(error instanceof HookCallError)) || untold === undefined) throw error;
      for (const { moved: later, keep } of tellings.slice(index)) await keep?.(later);
      throw error instanceof HookCallError ? error.kept(untold.directory) : error;
    }
    await done?.();
    context.stdout.write(`cion: told of ${visible(moved.ref)}\n`);
  }
  return exitCodes.passed;
};

/** One that was not told before is there until it is `done`; a new one is to be kept. */
type Telling = { readonly moved: MovedRef; readonly done?: () => Promise<void>; readonly keep?: Untold['keep'] | undefined };

const movedRefs = async (context: Context, options: TriggerOptions): Promise<readonly Omit<MovedRef, 'by'>[]> => {
  const moved = (await linesOf(context, options))
    .map(movedOf)
    .filter((one) => !isNoCommit(one.new) && /^refs\/(?:heads|tags)\//.test(one.ref));
  return Promise.all(
    moved.map(async (one) => {
      const commit = one.ref.startsWith('refs/tags/') ? await commitOf(context, one.new) : undefined;
      return { ...one, ...(commit === undefined ? {} : { commit }) };
    }),
  );
};

const addressOf = (address: string): URL => {
  const url = URL.parse(address);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw new Refusal('USAGE', 'This is no address of a hook.', 'Write https://HOST/hooks/git/OWNER/NAME, without a user or a password.');
};

/** Never from the command line, where everybody on the machine could read it. */
const secretOf = async ({ cwd, env }: Context): Promise<string> => {
  if (env.CION_HOOK_SECRET) return env.CION_HOOK_SECRET.trim();
  if (!env.CION_HOOK_SECRET_FILE) {
    throw new Refusal('HOOK_SECRET_MISSING', 'There is no secret to sign with.', 'Set CION_HOOK_SECRET, or CION_HOOK_SECRET_FILE.');
  }
  const file = resolve(cwd, env.CION_HOOK_SECRET_FILE);
  const secret = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Refusal('HOOK_SECRET_MISSING', `The file ${file} cannot be read: ${error.code ?? error.message}.`);
  });
  if (secret.trim() === '') throw new Refusal('HOOK_SECRET_MISSING', `The file ${file} is empty.`);
  return secret.trim();
};

const noCommit = '0'.repeat(40);

const linesOf = async ({ stdin }: Context, { ref, commit, untold }: TriggerOptions): Promise<readonly string[]> => {
  if ((ref === undefined) !== (commit === undefined)) throw new Refusal('USAGE', '--ref and --commit go together.');
  if (untold) return [];
  if (ref !== undefined && commit !== undefined) {
    if (!isHash(commit))
      throw new Refusal(
        'USAGE',
        `--commit ${JSON.stringify(visible(commit.slice(0, 200)))} is no whole hash.`,
        'Write "$(git rev-parse HEAD)".',
      );
    if (!isRef(ref))
      throw new Refusal(
        'USAGE',
        `--ref ${JSON.stringify(visible(ref.slice(0, 200)))} is no whole name of a branch or a tag.`,
        'Write refs/heads/NAME or refs/tags/NAME.',
      );
    return [`${noCommit} ${commit} ${ref}`];
  }
  return (await text(stdin)).split('\n').filter((line) => line !== '');
};

const movedOf = (line: string): Omit<MovedRef, 'by'> => {
  const [old = '', commit = '', ...rest] = line.split(' ');
  const ref = rest.join(' ');
  if (isHash(old) && isHash(commit) && isRef(ref)) return { ref, old, new: commit };
  throw new Refusal(
    'USAGE',
    `${JSON.stringify(visible(line.slice(0, 200)))} tells of no ref.`,
    'Lines on stdin are those of a post-receive hook: OLD NEW REF, with whole hashes; a ref begins with refs/heads/ or refs/tags/.',
  );
};

/** Of an annotated tag; where there is no repository, the server finds out. */
const commitOf = async ({ cwd, env }: Context, hash: string): Promise<string | undefined> => {
  const found = await execa('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${hash}^{commit}`], {
    cwd,
    env: { ...env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
  return found.exitCode === 0 && isHash(found.stdout) ? found.stdout : undefined;
};
