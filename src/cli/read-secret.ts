import { StringDecoder } from 'node:string_decoder';
import { isTooShort, shortestSecretBytes } from '../engine/redact/forms.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

/**
 * A value from stdin, or typed unseen where that is a terminal; never an argument, which others can see. A single line's line break
 * does not belong to it. `mayBeShort`: it is no secret.
 */
export const readSecret = async (
  { stdin, stderr }: Pick<Context, 'stdin' | 'stderr'>,
  prompt: string,
  { mayBeShort = false } = {},
): Promise<string> => {
  const value = stdin.isTTY ? await typed(stdin, stderr, prompt) : withoutOnlyBreak(await piped(stdin));
  if (value.includes('\0'))
    throw new Refusal('SECRET_REFUSED', 'The value has a NUL byte, which no variable can hold.', 'Encode it, e.g. with base64.');
  if (mayBeShort || !isTooShort(value)) return value;
  if (value === '') throw new Refusal('SECRET_REFUSED', 'No value was given.', 'It is read from stdin, or typed where that is a terminal.');
  throw new Refusal(
    'SECRET_REFUSED',
    `The value is shorter than ${shortestSecretBytes} bytes: it could not be kept out of a log.`,
    'Use a longer one.',
  );
};

const withoutOnlyBreak = (text: string): string => (/^[^\n]*\n$/.test(text) ? text.replace(/\r?\n$/, '') : text);

const piped = async (stdin: NodeJS.ReadStream): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal('SECRET_REFUSED', 'The value is no UTF-8 text, so no variable can hold it.', 'Encode it, e.g. with base64.');
  }
};

const typed = (stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream, prompt: string): Promise<string> => {
  stdin.setRawMode(true);
  stderr.write(prompt);
  const decoder = new StringDecoder('utf8');
  let value: readonly string[] = [];
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    };
    const onData = (chunk: Buffer): void => {
      for (const character of decoder.write(chunk)) {
        if (character === '\r' || character === '\n') return end(() => resolve(value.join('')));
        if (character === '\u0003' || character === '\u0004') {
          return end(() => reject(new Refusal('SECRET_REFUSED', 'No value was given.')));
        }
        if (character === '\u0015') value = [];
        else if (character === '\u007f' || character === '\b') value = value.slice(0, -1);
        else value = [...value, character];
      }
    };
    stdin.on('data', onData);
    stdin.resume();
  });
};
