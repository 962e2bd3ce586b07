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
import { untoldOf } from '../untold.ts';

export type TriggerOptions = { readonly ref?: string; readonly commit?: string; readonly by?: string; readonly untold?: true };

/**
 * For the post-receive hook of any git server: tells a cion server which branches and tags have new commits (R-DCK-86). All of it is kept beside the repository until
 * the server was told, so that it is told with the next push, or by `--untold`, when this process ends or the server is away.
 */
export const trigger = async (context: Context, address: string, options: TriggerOptions): Promise<ExitCode> => {
  const url = addressOf(address);
  checkOptions(context, options);
  const untold = options.ref === undefined ? await untoldOf(context, url) : undefined;
  if (options.untold && untold === undefined)
    throw new Refusal('USAGE', 'There is no repository here.', 'Call it in the repository of the hook.');
  const by = byOf(context, options);
  const news = (await movedRefs(context, options)).map((moved) => ({ ...moved, by }));
  const unkept = await untold?.keep(news).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  const isKept = untold !== undefined && unkept === undefined;
  const tellings: readonly Telling[] = [...((await untold?.list()) ?? []), ...(isKept ? [] : news.map((moved) => ({ moved })))];
  try {
    await tellAll(context, url, tellings);
  } catch (error) {
    if (isKept && tellings.length > 0)
      context.stderr.write(
        `cion: what was not told is kept in ${visible(untold.directory)}: the next push tells of it, or "cion trigger" with --untold.\n`,
      );
    if (unkept !== undefined) context.stderr.write(`cion: what was not told could not be kept: ${visible(unkept)}\n`);
    throw error;
  }
  return exitCodes.passed;
};

/** What was kept is there until it is `done`. */
type Telling = { readonly moved: MovedRef; readonly done?: () => Promise<void> };

/** In this order. Where the server is away the others wait; one that it does not take holds up none. */
const tellAll = async (context: Context, url: URL, tellings: readonly Telling[]): Promise<void> => {
  const secret = await secretOf(context);
  let refused: HookCallError | undefined;
  for (const { moved, done } of tellings) {
    try {
      await callHook(url, secret, moved);
    } catch (error) {
      if (!(error instanceof HookCallError) || !error.isOfThisCall) throw error;
      refused ??= error;
      continue;
    }
    await done?.();
    context.stdout.write(`cion: told of ${visible(moved.ref)}\n`);
  }
  if (refused !== undefined) throw refused;
};

/** Who the git server says, where nobody is named. */
const byOf = ({ env }: Context, { by }: TriggerOptions): string =>
  [by, env.GL_USERNAME, env.GL_USER, env.REMOTE_USER, env.USER].find((name) => name !== undefined && name !== '') ?? 'git';

const checkOptions = ({ stdin }: Context, { ref, commit, untold }: TriggerOptions): void => {
  if ((ref === undefined) !== (commit === undefined)) throw new Refusal('USAGE', '--ref and --commit go together.');
  if (ref !== undefined && untold)
    throw new Refusal(
      'USAGE',
      '--untold goes without --ref and --commit.',
      'It tells of what is kept in the repository, and of nothing else.',
    );
  if (ref === undefined && !untold && stdin.isTTY)
    throw new Refusal(
      'USAGE',
      'What has a new commit?',
      'A hook gets it on stdin. By hand: --ref refs/heads/NAME --commit "$(git rev-parse NAME)"; or --untold, for what could not be told before.',
    );
};

const movedRefs = async (context: Context, options: TriggerOptions): Promise<readonly Omit<MovedRef, 'by'>[]> => {
  const moved = (await linesOf(context, options)).flatMap(movedOf);
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

/** None: another kind of ref, or one that is gone. */
const movedOf = (line: string): readonly Omit<MovedRef, 'by'>[] => {
  const [old = '', commit = '', ...rest] = line.split(' ');
  const ref = rest.join(' ');
  if (isHash(old) && isHash(commit) && /^refs\/(?!heads\/|tags\/)./.test(ref)) return [];
  if (isHash(old) && isHash(commit) && isRef(ref)) return isNoCommit(commit) ? [] : [{ ref, old, new: commit }];
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
