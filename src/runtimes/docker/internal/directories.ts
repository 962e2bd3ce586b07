import { posix } from 'node:path';

type Env = Readonly<Record<string, string>>;

export const outputOf = (env: Env): string => env['WERCKER_OUTPUT_DIR'] || '/pipeline/output';

/** The whole source: a `source-dir` is below it, a `base-path` elsewhere. */
export const sourceOf = (env: Env): string => {
  const root = env['WERCKER_ROOT'] || '/pipeline/source';
  const source = env['WERCKER_SOURCE_DIR'] || root;
  return posix.relative(root, source).startsWith('..') ? source : root;
};
