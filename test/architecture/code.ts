/**
 * A TypeScript text with the same length and lines in which comments, the text of templates and regular expressions are blank. Strings
 * in quotes stay.
 */
export const withoutProse = (text: string): string => {
  let code = '';
  /** For each template under way, how many braces are open in its current `${…}`. */
  const templates: number[] = [];
  let at = 0;

  const keep = (length: number): void => {
    code += text.slice(at, at + length);
    at += length;
  };
  const blank = (length: number): void => {
    code += text.slice(at, at + length).replace(/[^\n]/g, ' ');
    at += length;
  };
  const blankTemplate = (): void => {
    const [prose = ''] = templateText.exec(text.slice(at)) ?? [];
    blank(prose.length);
    if (text.startsWith('${', at)) {
      templates.push(0);
      keep(2);
    } else {
      keep(1);
    }
  };

  while (at < text.length) {
    const rest = text.slice(at, at + 2);
    const open = templates.at(-1);
    if (rest === '//') blank(lineOf(text, at));
    else if (rest === '/*') blank(upTo(text, '*/', at));
    else if (rest[0] === '/' && expressionMayStart.test(code)) blank(regularExpression.exec(text.slice(at))?.[0].length ?? 1);
    else if (rest[0] === "'" || rest[0] === '"') keep(quoted.exec(text.slice(at))?.[0].length ?? 1);
    else if (rest[0] === '`') {
      keep(1);
      blankTemplate();
    } else if (rest[0] === '{' && open !== undefined) {
      templates.splice(-1, 1, open + 1);
      keep(1);
    } else if (rest[0] === '}' && open === 0) {
      templates.pop();
      keep(1);
      blankTemplate();
    } else if (rest[0] === '}' && open !== undefined) {
      templates.splice(-1, 1, open - 1);
      keep(1);
    } else keep(1);
  }
  return code;
};

const lineOf = (text: string, from: number): number => {
  const end = text.indexOf('\n', from);
  return (end === -1 ? text.length : end) - from;
};
const upTo = (text: string, mark: string, from: number): number => {
  const end = text.indexOf(mark, from + 2);
  return (end === -1 ? text.length : end + mark.length) - from;
};

const templateText = /^(?:[^`\\$]|\\[^]|\$(?!\{))*/;
const quoted = /^(?:'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*")/;
const regularExpression = /^\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/;
/** After these a slash is no division. */
const expressionMayStart = /(?:^|[([{,;:=!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of))\s*$/;
