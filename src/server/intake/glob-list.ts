/**
 * Whether a list of globs takes a name: the last one that matches decides, `!` before it takes out. Empty: all; when the first takes out, all but those.
 * `*` is anything but `/`, `**` anything, `?` one character but `/`. Everything else is itself. Takes time in proportion to both lengths, whatever they are.
 */
export const takes = (globs: readonly string[], name: string): boolean =>
  globs.reduce((taken, glob) => {
    const isOut = glob.startsWith('!');
    return taken === !isOut || !matches(isOut ? glob.slice(1) : glob, name) ? taken : !isOut;
  }, globs[0]?.startsWith('!') ?? true);

type Part = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'one' | 'some' | 'all' | 'directories' };

const matches = (glob: string, name: string): boolean => {
  const characters = [...name];
  /** Which beginnings of the name the parts so far match, by their length. */
  let reached: ReadonlySet<number> = new Set([0]);
  for (const part of partsOf(glob)) {
    if (reached.size === 0) return false;
    reached = part.kind === 'text' || part.kind === 'one' ? stepped(part, reached, characters) : stretched(part.kind, reached, characters);
  }
  return reached.has(characters.length);
};

const kinds = { '**/': 'directories', '**': 'all', '*': 'some', '?': 'one' } as const;

const partsOf = (glob: string): readonly Part[] =>
  Array.from(
    glob.matchAll(/\*\*\/?|\*|\?|[^]/gu),
    ([text]): Part => (Object.hasOwn(kinds, text) ? { kind: kinds[text as keyof typeof kinds] } : { kind: 'text', text }),
  );

const stepped = (part: Part, reached: ReadonlySet<number>, name: readonly string[]): Set<number> =>
  new Set(
    Array.from(reached)
      .filter((at) => (part.kind === 'text' ? name[at] === part.text : at < name.length && name[at] !== '/'))
      .map((at) => at + 1),
  );

/** `directories` is nothing, or ends with a slash: two stars before one also take what is at the top. */
const stretched = (kind: 'some' | 'all' | 'directories', reached: ReadonlySet<number>, name: readonly string[]): Set<number> => {
  const found = new Set<number>();
  let isOpen = false;
  for (let at = 0; at <= name.length; at++) {
    const isAfterSlash = name[at - 1] === '/';
    if (kind === 'some' && isAfterSlash) isOpen = false;
    isOpen ||= reached.has(at);
    if (isOpen && (kind !== 'directories' || isAfterSlash || reached.has(at))) found.add(at);
  }
  return found;
};
