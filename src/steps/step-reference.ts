import { type Parsed, parsed, refused } from '../plan/problem.ts';

/** Where a text says that the code of a step comes from. */
export type StepReference =
  /** `version` as it was said: an exact one, a range, `*` when nothing was said. */
  | { readonly kind: 'named'; readonly owner?: string; readonly name: string; readonly version: string }
  | { readonly kind: 'directory'; readonly owner?: string; readonly name: string; readonly path: string }
  | { readonly kind: 'archive'; readonly owner?: string; readonly name: string; readonly url: URL };

/** Whose steps those without an owner are. */
export const ourOwner = 'wercker';

/** `name`, `owner/name`, either with `@version`; or a name and, in quotes, `file://PATH` or the `https://…` of a tar.gz. */
export const parseStepReference = (text: string): Parsed<StepReference> => {
  const [, named = '', , quoted] = /^\s*([^\s"']+)(?:\s+(["']?)(\S(?:.*\S)?)\2)?\s*$/s.exec(text) ?? [];
  const [, owner, name, version] = /^(?:([\w.-]+)\/)?([\w.-]+)(?:@(.+))?$/.exec(named) ?? [];
  if (name === undefined || isDots(name) || (owner !== undefined && isDots(owner))) return notOne(text);
  const who = { ...(owner === undefined ? {} : { owner }), name };
  if (quoted === undefined) return parsed({ kind: 'named', ...who, version: version ?? '*' });
  if (version !== undefined) return notOne(text);
  if (quoted.startsWith('file://')) return parsed({ kind: 'directory', ...who, path: quoted.slice('file://'.length) });
  const url = URL.parse(quoted);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return notOne(text);
  return parsed({ kind: 'archive', ...who, url });
};

/** An exact version never means anything else; a range and `*` do. */
export const isExact = (version: string): boolean => /^v?\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?$/.test(version);

const isDots = (part: string): boolean => part === '.' || part === '..';

const notOne = (text: string): Parsed<never> =>
  refused({
    code: 'STEP_REFERENCE',
    message: `"${text}" names no step.`,
    hint: 'Write name, owner/name, owner/name@1.2.3, name "file://PATH" or name "https://…/step.tgz".',
  });
