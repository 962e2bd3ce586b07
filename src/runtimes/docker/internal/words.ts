/** A word as a shell would take it, in parts; what stood in single quotes, or behind a backslash, is meant as it stands. */
export type Word = readonly { readonly text: string; readonly literal: boolean }[];

/** Splits as a shell does, with its quotes and backslashes, and expands nothing. `undefined` when a quote is not closed. */
export const wordsOf = (text: string): readonly Word[] | undefined => {
  const words: Word[] = [];
  let word: { text: string; literal: boolean }[] | undefined;
  const add = (part: string, literal: boolean): void => {
    word ??= [];
    const last = word.at(-1);
    if (last?.literal === literal) last.text += part;
    else word.push({ text: part, literal });
  };
  for (let rest = text; rest !== ''; ) {
    const [token = rest] = /^(?:\s+|'[^']*'|"(?:\\[^]|[^"\\])*"|\\[^]|[^\s'"\\]+|[^])/.exec(rest) ?? [];
    rest = rest.slice(token.length);
    if (/^\s/.test(token)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (token.startsWith("'")) {
      if (token.length < 2) return undefined;
      add(token.slice(1, -1), true);
    } else if (token.startsWith('"')) {
      if (token.length < 2) return undefined;
      for (const [part] of token.slice(1, -1).matchAll(/\\[^]|[^\\]+/g)) {
        if (!part.startsWith('\\')) add(part, false);
        else if (/["\\$`]/.test(part.slice(1))) add(part.slice(1), true);
        else if (part !== '\\\n') add(part, false);
      }
      if (token === '""') add('', false);
    } else if (token.startsWith('\\')) {
      if (token.length < 2) return undefined;
      if (token !== '\\\n') add(token.slice(1), true);
    } else {
      add(token, false);
    }
  }
  return word === undefined ? words : [...words, word];
};

export const textOfWord = (word: Word): string => word.map(({ text }) => text).join('');
