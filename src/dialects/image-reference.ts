import { type Parsed, parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';

/** Checks the form of a registry reference, `[registry[:port]/]path[:tag][@digest]`, as the container engines define it (R-CIO-26). */
export const parseImageReference = (text: string): Parsed<string> => {
  const hint = mistakeIn(text);
  if (hint === undefined) return parsed(text);
  return refused({ code: 'BAD_IMAGE', message: `${quoted(text)} is not an image reference.`, hint });
};

/** What is wrong with the reference, as a hint. */
const mistakeIn = (text: string): string | undefined => {
  if (/\s/.test(text)) return 'It has white space in it.';
  if (/^\w+:\/\//.test(text)) return 'Leave the "://" and what is before it out.';
  if (text.includes('$')) return 'Variables have no meaning here: write the image itself.';
  const [named, digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) return 'A digest is "@sha256:" and 64 hexadecimal digits.';
  const { name, tag } = splitTag(named ?? '');
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) return 'A tag has letters, digits, ".", "_" and "-", at most 128 of them.';
  const parts = name.split('/');
  const path = parts.length > 1 && isRegistry(parts[0] ?? '') ? parts.slice(1) : parts;
  if (parts.length > path.length && !/^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?$/.test(parts[0] ?? ''))
    return 'Its registry is not a host name.';
  if (path.some((part) => !isPathPart(part))) {
    return name === name.toLowerCase() ? example : `Image names are lower case: "${name.toLowerCase()}".`;
  }
  if (name.length > 255) return 'Its name is longer than 255 characters.';
  return undefined;
};

const example = 'It is a name and perhaps a tag or a digest: "node:24", "ghcr.io/owner/image:1.2".';

const isDigest = (text: string): boolean =>
  /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/.test(text) && (!text.startsWith('sha256:') || text.length === 71);

/** A colon before the last slash belongs to the registry's port. */
const splitTag = (named: string): { readonly name: string; readonly tag?: string } => {
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return colon === -1 ? { name: named } : { name: named.slice(0, colon), tag: named.slice(colon + 1) };
};

const isRegistry = (part: string): boolean => part.includes('.') || part.includes(':') || part === 'localhost';

/** Letters and digits, with single separators between them. */
const isPathPart = (part: string): boolean => part !== '' && part.split(/__|-+|[._]/).every((word) => /^[a-z0-9]+$/.test(word));
