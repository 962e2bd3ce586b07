/** The tables of ARCHITECTURE.md as data. */
export type Rules = {
  /** By folder of `src/`, or file in it: what it may import besides itself. */
  readonly arrows: ReadonlyMap<string, readonly Arrow[]>;
  /** By pure folder: what it may import from outside. */
  readonly pure: ReadonlyMap<string, readonly string[]>;
};
export type Arrow = { readonly to: string; readonly typesOnly: boolean };

export const rulesOf = (markdown: string): Rules => ({
  arrows: new Map(rows(markdown, 'Arrows').map(([folder, list]) => [folder, list.map(arrow)])),
  pure: new Map(rows(markdown, 'Pure folders')),
});

const arrow = (text: string): Arrow => {
  const [to = '', ...words] = text.split(' ');
  return { to, typesOnly: words.includes('types') };
};

const rows = (markdown: string, title: string): readonly (readonly [string, readonly string[]])[] => {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
  return Array.from(section.matchAll(/^\| (\S+) \|(.*)\|$/gm), ([, folder = '', cell = '']) => [folder, list(cell)] as const).filter(
    ([folder]) => folder !== 'folder' && folder !== '---',
  );
};

const list = (cell: string): readonly string[] =>
  cell
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
