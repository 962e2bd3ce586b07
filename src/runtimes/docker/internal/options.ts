import { filled } from '../../../lib/filled.ts';
import { StepFailure } from './step-failure.ts';
import { textOfWord, type Word, wordsOf } from './words.ts';

/** The options of a step, filled from the variables of the shell. An empty one is as none. */
export type Options = {
  text(name: string): string | undefined;
  required(name: string): string;
  /** Apart by white space or commas. */
  list(name: string): readonly string[];
  /** Split as a shell does; what stands in single quotes is not filled: it is for the shell of the image. */
  argv(name: string): readonly string[] | undefined;
  /** `NAME=value` words; the value goes from the first `=` to the end, and is absent without one. */
  pairs(name: string): readonly (readonly [name: string, value: string | undefined])[];
  /** What is no clear yes is a no. */
  flag(name: string): boolean;
};

export const optionsOf = (given: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): Options => {
  const raw = (name: string): string | undefined => (Object.hasOwn(given, name) ? given[name] : undefined);
  const text = (name: string): string | undefined => {
    const value = filled(raw(name) ?? '', env).trim();
    return value === '' ? undefined : value;
  };
  const words = (name: string): readonly Word[] => {
    const found = wordsOf(raw(name) ?? '');
    if (found === undefined) throw new StepFailure(`the option "${name}" has a quote that is not closed, or ends in a backslash`);
    return found;
  };
  return {
    text,
    required: (name) => {
      const value = text(name);
      if (value === undefined) throw new StepFailure(`the option "${name}" is missing or empty`);
      return value;
    },
    list: (name) => (text(name) ?? '').split(/[\s,]+/).filter((each) => each !== ''),
    argv: (name) => {
      const found = words(name);
      const argv = found.map((word) => word.map((part) => (part.literal ? part.text : filled(part.text, env))).join(''));
      return found.length === 0 ? undefined : argv;
    },
    pairs: (name) =>
      words(name).map((word) => {
        const whole = filled(textOfWord(word), env);
        const equals = whole.indexOf('=');
        return equals < 0 ? [whole, undefined] : [whole.slice(0, equals), whole.slice(equals + 1)];
      }),
    flag: (name) => /^(?:true|yes|on|1)$/i.test(text(name) ?? ''),
  };
};
