import { parseEnv } from 'node:util';

export type EnvFile =
  | { readonly ok: true; readonly entries: readonly EnvEntry[] }
  /** The first line that is none of `NAME=value`, `NAME`, a comment and an empty one. */
  | { readonly ok: false; readonly line: number };

/** Without a value: a name alone. */
export type EnvEntry = { readonly name: string; readonly value?: string };

/** `export` may stand before a name; a value in quotes may have several lines, and nothing but a comment may follow it. */
const assignment =
  /[ \t]*(?:export[ \t]+)?(?<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:=[ \t]*(?:"[^"]*"(?<tail>.*)|'[^']*'(?<tail>.*)|`[^`]*`(?<tail>.*)|.*)|(?<alone>))(?:\n|$)/y;
const nothing = /[ \t]*(?:#.*)?(?:\n|$)/y;

export const parseEnvFile = (bytes: string): EnvFile => {
  const text = bytes.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const entries: EnvEntry[] = [];
  const matchAt = (pattern: RegExp, at: number): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  for (let at = 0; at < text.length; ) {
    const found = matchAt(nothing, at) ?? matchAt(assignment, at);
    const name = found?.groups?.name;
    if (found === null || !/^\s*(#|$)/.test(found.groups?.tail ?? '')) return { ok: false, line: text.slice(0, at).split('\n').length };
    if (name !== undefined) {
      entries.push(found.groups?.alone === undefined ? { name, value: parseEnv(found[0])[name] ?? '' } : { name });
    }
    at += found[0].length;
  }
  return { ok: true, entries };
};
