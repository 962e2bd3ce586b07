import { posix } from 'node:path';
import { type Parsed, parsed, refused } from '../../plan/problem.ts';
import { mapping, optional, required } from '../mapping.ts';
import { quoted } from '../quoted.ts';
import { byKind, mapped, type Shape, textAs } from '../shape.ts';
import { isEmpty } from '../yaml.ts';
import { saidShape, type Said } from './names.ts';

export type Img =
  /** A stage or a registry reference. */
  | { readonly kind: 'name'; readonly name: string }
  /** What a stage prints. */
  | { readonly kind: 'printed'; readonly stage: string }
  /** Paths below the root of the commit. */
  | { readonly kind: 'build'; readonly context: string; readonly dockerfile: string };

const inside = (path: string): string | undefined => {
  const clean = posix.join('.', path).replace(/(.)\/$/, '$1');
  return path.startsWith('/') || clean === '..' || clean.startsWith('../') ? undefined : clean;
};

const build = (directory: string, file: string): Parsed<Img> => {
  const context = inside(directory);
  const dockerfile = context === undefined ? undefined : inside(posix.join(context, file));
  if (context !== undefined && dockerfile !== undefined && !file.startsWith('/')) return parsed({ kind: 'build', context, dockerfile });
  const path = context === undefined ? directory : file;
  return refused({
    code: 'BAD_IMAGE',
    message: `${quoted(path)} leads out of the project.`,
    hint: 'An image is built from a directory of the commit: "./" and its path from the root.',
  });
};

const parseImg = (text: string): Parsed<Img> => {
  if (/^\.{1,2}(\/|$)/.test(text)) return build(text, 'Dockerfile');
  const [, braced, printed = braced] = /^(?:\{([^{}]*)\}|out\/(.*))$/.exec(text) ?? [];
  return parsed(printed === undefined ? { kind: 'name', name: text } : { kind: 'printed', stage: printed });
};

const long = mapping({
  build: required(textAs('a directory', { type: 'string' }, parsed), 'A directory of the commit, from its root.'),
  file: optional(textAs('a path', { type: 'string' }, parsed), 'The Dockerfile, from that directory; otherwise Dockerfile.'),
});

const longForm: Shape<Img> = {
  schema: { anyOf: [long.schema, { type: 'object', additionalProperties: { type: 'null' }, minProperties: 1, maxProperties: 1 }] },
  read: (node, place) => {
    const [only, second] = node.kind === 'map' ? node.entries : [];
    const isBraced = only !== undefined && second === undefined && isEmpty(only.value) && only.key.text !== 'build';
    return isBraced ? { kind: 'printed', stage: only.key.text } : built.read(node, place);
  },
};

const built: Shape<Img> = mapped(long, (given, place) => {
  const answer = build(given.build, given.file ?? 'Dockerfile');
  if (answer.ok) return answer.value;
  for (const problem of answer.problems) place.report({ ...problem, range: place.range });
  return undefined;
});

/** `{stage}` without quotes is a mapping to YAML. */
export const img: Shape<Said<Img>> = saidShape(
  byKind<Img>({ scalar: textAs('an image', { type: 'string', minLength: 1 }, parseImg), map: longForm }),
);
