import type { Step } from '../../../plan/plan.ts';
import type { Item } from '../../runtime.ts';
import { RuntimeError } from '../../runtime-error.ts';
import { textOf } from '../container-file.ts';
import type { Attachment } from '../engine/engine.ts';
import { type InternalContext, performInternal } from '../internal/perform.ts';
import type { Parts } from '../parts.ts';
import { stateDirectory } from './conductor.ts';
import { numbered, stepsOf } from './step-files.ts';

/** Carries out what a conductor waits for, and tells it through its stdin. All that is told goes through the container's own log. */
export type Answers = {
  /** Returns at once; a RuntimeError of what is carried out goes to `failed`. */
  asked(number: number, what: string): void;
  /** The step has ended, whatever is still under way for it. */
  over(): void;
  readonly failed: Promise<never>;
};

export const makeAnswers = (parts: Parts, item: Item, container: InternalContext['container'], signal: AbortSignal): Answers => {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const steps = stepsOf(item.stage);
  let under: AbortController | undefined;

  const answer = async (number: number, what: string, step: Step, given: AbortSignal): Promise<void> => {
    const { engine, commits } = parts;
    const attachment = await engine.attach(`/containers/${container.id}/attach`, { query: { stream: true, stdin: true }, signal: given });
    let last = Promise.resolve();
    const say = (word: string, text = ''): Promise<void> => {
      last = last.then(() => said(attachment, `${number}.${what} ${word} ${text}\n`));
      return last;
    };
    try {
      if (what === 'commit') {
        const { reference, digest } = await commits(item, container.id, [], given, step.id);
        await say('told', `${reference} ${digest}`);
        return await say('code', '0');
      }
      const { action } = step;
      if (action.kind !== 'internal') throw new RuntimeError('UNSUPPORTED', `the step "${step.name}" asks for nothing that cion knows`);
      const env = environOf((await textOf(engine, container.id, `${stateDirectory}/environ`, given)) ?? '');
      const write = async (stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> => {
        for (let at = 0; at < bytes.length; at += mostBytes) await say(stream, escaped(bytes.subarray(at, at + mostBytes)));
      };
      const { code, message } = await performInternal({ ...step, action }, { parts, item, container, env, write, signal: given });
      if (message !== undefined) await say('message', escaped(Buffer.from(message)));
      await say('code', String(code));
    } finally {
      attachment.close();
    }
  };

  return {
    asked: (number, what) => {
      const step = steps === undefined ? undefined : numbered(steps)[number - 1];
      if (step === undefined) return;
      const one = new AbortController();
      under = one;
      answer(number, what, step, AbortSignal.any([signal, one.signal])).catch((error: unknown) => {
        if (!one.signal.aborted && !signal.aborted) failed.reject(error);
      });
    },
    over: () => under?.abort(),
    failed: failed.promise,
  };
};

/** What the engine has taken before its connection is closed. */
const said = (attachment: Attachment, line: string): Promise<void> => attachment.stdin.write(Buffer.from(line));

const mostBytes = 2048;

/** For `printf %b`, without spaces and with nothing that a line could not carry. */
const escaped = (bytes: Uint8Array): string =>
  [...bytes]
    .map((byte) => (plain.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`))
    .join('');

const plain = /[A-Za-z0-9.,:;/_=@-]/;

const environOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split('\0')
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
