/** The words of a command line as a shell splits it, without any expansion; `undefined` when a quote is not closed. */
export const wordsOf = (line: string): readonly string[] | undefined => {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word = (word ?? '') + line.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      const [whole, inner] = /^"((?:\\[^]|[^"\\])*)"/.exec(line.slice(at)) ?? [];
      if (whole === undefined || inner === undefined) return undefined;
      word = (word ?? '') + inner.replace(/\\([\\"$`])/g, '$1');
      at += whole.length - 1;
    } else if (char === '\\') {
      at += 1;
      word = (word ?? '') + (line[at] ?? '');
    } else word = (word ?? '') + char;
  }
  return word === undefined ? words : [...words, word];
};

/** A word as it must be written for a shell to read it as it is. */
export const shellWord = (text: string): string => (/^[\w./+:,@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
