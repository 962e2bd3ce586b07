import type { Context } from './context.ts';
import { readSecret } from './read-secret.ts';
import { Refusal } from './refusal.ts';

type Streams = Pick<Context, 'stdin' | 'stderr'>;

/** The line from stdin, or what is typed unseen: what else stdin has could not be typed at a login. */
export const readPassword = async (streams: Streams, prompt: string): Promise<string> =>
  onlyLine(await readSecret(streams, prompt, { mayBeShort: true }));

/** On a terminal it is typed twice: nobody sees a mistake in it. */
export const readNewPassword = async (streams: Streams, prompt: string): Promise<string> => {
  const password = await readPassword(streams, prompt);
  if (!streams.stdin.isTTY || (await readSecret(streams, 'Once more: ', { mayBeShort: true })) === password) return password;
  throw new Refusal('SECRET_REFUSED', 'The two are not the same: nothing was changed.', 'Try it once more.');
};

/** The lines of stdin, where it is no terminal; `hint` says what they are. */
export const readLines = async (streams: Streams, count: number, hint: string): Promise<readonly string[]> => {
  const lines = withoutLastBreaks(await readSecret(streams, '', { mayBeShort: true })).split(/\r?\n/);
  if (lines.length === count && lines.every((line) => line !== '')) return lines;
  throw new Refusal('SECRET_REFUSED', `stdin has ${lines.length === 1 ? 'one line' : `${lines.length} lines`} in place of ${count}.`, hint);
};

const withoutLastBreaks = (text: string): string => text.replace(/[\r\n]+$/, '');

const onlyLine = (text: string): string => {
  const line = withoutLastBreaks(text);
  if (line === '')
    throw new Refusal('SECRET_REFUSED', 'No password was given.', 'It is read from stdin, or typed where that is a terminal.');
  if (/[\r\n]/.test(line)) throw new Refusal('SECRET_REFUSED', 'A password is one line, and stdin has several.');
  return line;
};
