import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { writeAtomically } from '../../lib/atomic-file.ts';
import { stateUnwritable } from '../../local/local-error.ts';
import { seal } from '../../secrets/age.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { identitiesOf, type IdentityOptions } from '../identities.ts';
import { openOrRefuse } from '../open-or-refuse.ts';
import { secretsFile } from '../../planning/open-secrets.ts';
import { type PrivateFile, withPrivateFile } from '../private-file.ts';
import { projectRoot } from '../project.ts';
import { recipientsOf } from '../recipients.ts';
import { Refusal } from '../refusal.ts';
import { mistakesIn } from '../../planning/secret-mistakes.ts';

/** Opens the editor on the project's secrets in the clear, and encrypts what was written. */
export const secretEdit = async (context: Context, named: string | undefined, options: IdentityOptions): Promise<ExitCode> => {
  const root = await projectRoot(context);
  const file = named === undefined ? join(root, secretsFile) : resolve(context.cwd, named);
  const recipients = await recipientsOf(context, root, [], options);
  const before = await contentOf(file);
  const clear = before === undefined ? template : await openOrRefuse(before, await identitiesOf(context, options), file);
  const edited = await withPrivateFile(context.env, 'secrets.env', clear, (draft) => editUntilGood(context, draft, clear));
  if (edited === clear) {
    context.stdout.write('Nothing was changed.\n');
    return exitCodes.passed;
  }
  if (!equal(before, await contentOf(file))) {
    throw new Refusal('SECRETS_INVALID', `${file} was changed by somebody else meanwhile; it is left as it is.`, 'Edit it again.');
  }
  await writeAtomically(file, await seal(edited, recipients)).catch((error: unknown) => {
    throw stateUnwritable(file, error);
  });
  context.stdout.write(`Wrote ${file}, readable with ${recipients.length === 1 ? 'one key' : `${recipients.length} keys`}. Commit it.\n`);
  return exitCodes.passed;
};

const template = '# One secret a line: NAME=value. A value in "double quotes" may have several lines.\n';

const contentOf = (file: string): Promise<Buffer | undefined> =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Refusal('SECRETS_UNREADABLE', `${file} cannot be read: ${error.code ?? error.message}.`);
  });

const equal = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.equals(other);

/** Mistakes are told and the editor is opened again on what was written; who then changes nothing gives up. */
const editUntilGood = async (context: Context, draft: PrivateFile, clear: string): Promise<string> => {
  for (let last = clear; ; ) {
    await openEditor(context, draft);
    const text = await readFile(draft.path, 'utf8').catch(() => {
      throw new Refusal('EDITOR_FAILED', 'The editor removed the file: nothing was changed.');
    });
    const mistakes = mistakesIn(text);
    if (mistakes.length === 0 || text === clear) return text;
    context.stderr.write(`${mistakes.join('\n')}\n`);
    if (text === last) throw new Refusal('SECRETS_INVALID', 'The mistakes were left: nothing was changed.', 'Edit it again.');
    last = text;
    await untilEnter(context);
  }
};

const untilEnter = async ({ stdin, stderr }: Context): Promise<void> => {
  if (!stdin.isTTY) return;
  const lines = createInterface({ input: stdin, output: stderr });
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  await lines.question('Press Enter to edit it again, Ctrl-C to give up. ');
  lines.close();
};

const openEditor = async ({ env, cwd }: Context, draft: PrivateFile): Promise<void> => {
  const editor = env.VISUAL || env.EDITOR || 'vi';
  const { CION_AGE_KEY: _key, ...handedOn } = env;
  const child = spawn('sh', ['-c', `${editor} "$@"`, editor, draft.path], { stdio: 'inherit', cwd, env: handedOn });
  draft.leavesInterrupts = () => child.exitCode === null && child.signalCode === null;
  const endEditor = (): void => void child.kill('SIGTERM');
  process.on('exit', endEditor);
  try {
    const [code] = (await once(child, 'exit')) as readonly (number | null)[];
    if (code !== 0) {
      throw new Refusal(
        'EDITOR_FAILED',
        `The editor (${editor}) ended with ${code ?? 'a signal'}: nothing was changed.`,
        'Set VISUAL or EDITOR.',
      );
    }
  } finally {
    process.off('exit', endEditor);
  }
};
