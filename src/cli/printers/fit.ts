import stringWidth from 'string-width';

/** Columns that a text takes on a terminal; wide characters take two, colours none. */
export const width = (text: string): number => (ascii.test(text) ? text.length : stringWidth(text));

/** The columns of the widest; 0 of none. */
export const widest = (texts: readonly string[]): number => texts.reduce((most, text) => Math.max(most, width(text)), 0);

/** The text, or as much of it as fits with `mark` at its end. For text without colours. */
export const cut = (text: string, columns: number, mark = '…'): string => {
  if (columns <= 0) return '';
  if (text.length <= columns && width(text) <= columns) return text;
  if (text.length > columns * longestCluster) return `${beginning(text.slice(0, columns * longestCluster), columns - width(mark))}${mark}`;
  return width(text) <= columns ? text : `${beginning(text, columns - width(mark))}${mark}`;
};

/** As `cut`, but keeps the end of the text: the telling part of a path or an image. */
export const cutStart = (text: string, columns: number, mark = '…'): string => {
  if (columns <= 0) return '';
  if (width(text) <= columns) return text;
  const room = columns - width(mark);
  let shown = '';
  for (const cluster of clusters(text).reverse()) {
    if (width(cluster + shown) > room) break;
    shown = cluster + shown;
  }
  return `${mark}${shown}`;
};

/** As `cutStart`, but cuts before a `/` where it can. */
export const cutPath = (text: string, columns: number, mark = '…'): string => {
  if (width(text) <= columns) return text;
  for (let slash = text.indexOf('/'); slash !== -1; slash = text.indexOf('/', slash + 1)) {
    const rest = `${mark}${text.slice(slash)}`;
    if (width(rest) <= columns) return rest;
  }
  return cutStart(text, columns, mark);
};

export const padEnd = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));
export const padStart = (text: string, columns: number): string => ' '.repeat(Math.max(0, columns - width(text))) + text;

/** What a reader sees as single characters. */
export const clusters = (text: string): string[] =>
  ascii.test(text) ? [...text] : Array.from(segmenter.segment(text), (part) => part.segment);

/** Breaks at spaces, so that no line is wider than `columns` unless a single word is. */
export const wrap = (text: string, columns: number): string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && width(last) + 1 + width(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};

const ascii = /^[\x20-\x7e]*$/;
const longestCluster = 32;
const segmenter = new Intl.Segmenter();

const beginning = (text: string, columns: number): string => {
  let shown = '';
  let used = 0;
  for (const cluster of clusters(text)) {
    used += width(cluster);
    if (used > columns) break;
    shown += cluster;
  }
  return shown;
};
