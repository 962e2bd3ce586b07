import { didYouMean, nearestWord } from '../../lib/did-you-mean.ts';
import { outputFile } from './directories.ts';
import { inserted, type Frame, isPlainWord, step } from './shell-quoting.ts';

export type Referring = {
  /** With the path of the output in place of each `{stage}`, quoted for where it stands. */
  readonly script: string;
  /** The stages whose outputs it reads, in the order of their first mention. */
  readonly stages: readonly string[];
  /** What stands where the name of a stage could, and is nearly one. */
  readonly mistaken: readonly { readonly written: string; readonly hint: string }[];
};

/**
 * Finds `out/<stage>` and `{stage}` in a shell script. What stands in `${…}` or in a comment, and what is no stage, is left alone
 * (R-DCK-45, R-DCK-46, R-DCO-40 … 42).
 */
export const referring = (script: string, names: ReadonlySet<string>): Referring => {
  const lengths = [...new Set([...names].map((name) => name.length))].sort((a, b) => b - a);
  const stages = new Set<string>();
  const strange = new Map<string, string>();
  let written = '';
  let stack: readonly Frame[] = [{ kind: 'bare' }];
  for (let at = 0; at < script.length; ) {
    const moved = step(script, at, stack);
    if (moved !== undefined) {
      written += script.slice(at, moved.to);
      at = moved.to;
      stack = moved.stack;
      continue;
    }
    const frame = stack.at(-1) ?? { kind: 'bare' };
    const isOff = stack.some(({ kind }) => kind === 'parameter');
    const braced = isOff ? undefined : bracedAt(script, at, names, lengths[0] ?? 0);
    if (braced !== undefined) {
      stages.add(braced);
      written += inserted(outputFile(braced), stack);
      at += braced.length + 2;
      continue;
    }
    const pathed = isOff ? undefined : pathAt(script, at, names, lengths, frame);
    if (pathed !== undefined) stages.add(pathed);
    else if (!isOff && strange.size < mostStrange) for (const [written, word] of strangeAt(script, at)) strange.set(written, word);
    const length = pathed === undefined ? 1 : 'out/'.length + pathed.length;
    written += script.slice(at, at + length);
    at += length;
  }
  return { script: written, stages: [...stages], mistaken: mistakenAmong(strange, names) };
};

/** So many words that are no stage's are looked at: it takes the longer the more there are. */
const mostStrange = 50;
/** A mistake in a shorter one cannot be told from another word. */
const shortestMistaken = 3;

/** `{word}` and `out/word`, of which it is known that they are no references. */
const strangeAt = (script: string, at: number): readonly (readonly [string, string])[] => {
  if (script[at] === '{' && script[at - 1] !== '$' && script[at - 1] !== '{') {
    const [written, word] = /^\{([^\s{}$,;"']{1,100})\}(?!\})/u.exec(script.slice(at, at + 103)) ?? [];
    return written === undefined || word === undefined ? [] : [[written, word]];
  }
  if (!isOut(script, at)) return [];
  const [written, word] =
    /^out\/([\p{L}\p{N}\p{M}\p{So}\u200d_-]{1,100})(?![\p{L}\p{N}\p{M}\p{So}\u200d_./-])/u.exec(script.slice(at, at + 106)) ?? [];
  return written === undefined || word === undefined ? [] : [[written, word]];
};

const mistakenAmong = (strange: ReadonlyMap<string, string>, names: ReadonlySet<string>): Referring['mistaken'] => {
  const known = [...names];
  return Array.from(strange).flatMap(([written, word]) => {
    const hint =
      word.length < shortestMistaken || names.has(word) || nearestWord(word, known) === undefined ? undefined : didYouMean(word, known);
    return hint === undefined ? [] : [{ written, hint }];
  });
};

/** `{{x}}` belongs to other templates. */
const bracedAt = (script: string, at: number, names: ReadonlySet<string>, longest: number): string | undefined => {
  if (script[at] !== '{' || script[at - 1] === '$' || script[at - 1] === '{') return undefined;
  const end = script.slice(at + 1, at + longest + 2).indexOf('}');
  if (end < 0 || script[at + end + 2] === '}') return undefined;
  const name = script.slice(at + 1, at + 1 + end);
  return names.has(name) ? name : undefined;
};

/** What may stand before a path that begins in the current directory. */
const fromHere = /(?:^|[^\p{L}\p{N}\p{M}_.\-/~])(?:file:\/\/)?(?:(?:\.{1,2}\/)+|\$PWD\/|\$\{PWD\}\/)?$/u;

/** Whether a script names a file or directory of the directory in which it begins, or what is below it, by a relative path. */
export const namesFromHere = (script: string, name: string): boolean => {
  for (let at = script.indexOf(name); at >= 0; at = script.indexOf(name, at + 1)) {
    const [before, behind] = [script.slice(Math.max(0, at - 64), at), script.slice(at + name.length, at + name.length + 3)];
    if (fromHere.test(before) && (behind.startsWith('/') || !goesOn.test(behind))) return true;
  }
  return false;
};

/** What may stand before `out/` when the directory of outputs is meant. */
const beforeOut = /(?:^|[^\p{L}\p{N}\p{M}_.\-/~])(?:file:\/\/)?(?:(?:\.{1,2}\/)+|\/dockercise\/|\$PWD\/|\$\{PWD\}\/)?$/u;
/** What goes on with a name. */
const goesOn = /^(?:[\p{L}\p{N}\p{M}\p{So}\u200d_/-]|\.[\p{L}\p{N}_])/u;

const isOut = (script: string, at: number): boolean =>
  script.startsWith('out/', at) && beforeOut.test(script.slice(Math.max(0, at - 64), at));

const pathAt = (
  script: string,
  at: number,
  names: ReadonlySet<string>,
  lengths: readonly number[],
  { kind }: Frame,
): string | undefined => {
  if (!isOut(script, at)) return undefined;
  const start = at + 'out/'.length;
  for (const length of lengths) {
    const name = script.slice(start, start + length);
    if (!names.has(name) || goesOn.test(script.slice(start + length, start + length + 3))) continue;
    if (kind !== 'bare' || isPlainWord(name)) return name;
  }
  return undefined;
};
