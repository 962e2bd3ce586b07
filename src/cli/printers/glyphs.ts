import type { Outcome } from '../../run/outcome.ts';

export type Glyphs = {
  readonly outcome: Readonly<Record<Outcome, string>>;
  readonly spinner: readonly string[];
  readonly waiting: string;
  readonly gate: string;
  readonly ellipsis: string;
  readonly dot: string;
  readonly warning: string;
  readonly bar: { readonly left: string; readonly full: string; readonly part: string; readonly right: string };
  readonly tree: { readonly branch: string; readonly last: string; readonly rail: string };
  readonly arrow: string;
  readonly crossing: string;
  /** Line characters by the sides that they reach: up 1, right 2, down 4, left 8. */
  readonly lines: readonly string[];
};

const unicode: Glyphs = {
  outcome: { passed: '✓', failed: '✗', errored: '!', cancelled: '■', skipped: '–' },
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  waiting: '○',
  gate: '◇',
  ellipsis: '…',
  dot: '·',
  warning: '!',
  bar: { left: '▕', full: '█', part: '░', right: '▏' },
  tree: { branch: '├─', last: '└─', rail: '│ ' },
  arrow: '▶',
  crossing: '│',
  lines: [' ', '│', '─', '╰', '│', '│', '╭', '├', '─', '╯', '─', '┴', '╮', '┤', '┬', '┼'],
};

const ascii: Glyphs = {
  outcome: { passed: '+', failed: 'x', errored: '!', cancelled: '#', skipped: '-' },
  spinner: ['|', '/', '-', '\\'],
  waiting: 'o',
  gate: '?',
  ellipsis: '~',
  dot: '-',
  warning: '!',
  bar: { left: '[', full: '#', part: '.', right: ']' },
  tree: { branch: '|-', last: '`-', rail: '| ' },
  arrow: '>',
  crossing: '|',
  lines: [' ', '|', '-', '`', '|', '|', '.', '+', '-', "'", '-', '+', '.', '+', '+', '+'],
};

export const glyphs = (kind: 'unicode' | 'ascii'): Glyphs => (kind === 'unicode' ? unicode : ascii);

/** Whether the terminal's locale can show more than ASCII. Where nothing is said, it is taken to be able to, as nearly all are. */
export const showsUnicode = (env: Readonly<Record<string, string | undefined>>): boolean => {
  if (env['TERM'] === 'dumb') return false;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  return !locale || /utf-?8/i.test(locale);
};
