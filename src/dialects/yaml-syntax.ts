import { Composer, type Document, type ErrorCode, Lexer, LineCounter, Parser, visit } from 'yaml';
import type { Problem, Range } from '../plan/problem.ts';

/** Offsets in the text to a Range. */
export type Ranges = (start: number, end: number) => Range;

export type Syntax = { readonly document: Document.Parsed | undefined; readonly ranges: Ranges; readonly problems: readonly Problem[] };

/** As deep as collections may stand in each other. */
export const deepest = 100;

/** What the YAML library makes of the text: one document with every scalar as text, or what is wrong with it. */
export const parseSyntax = (file: string, text: string): Syntax => {
  const lines = new LineCounter();
  const ranges: Ranges = (start, end) => ({ file, start: position(lines, start), end: position(lines, Math.max(start, end)) });
  try {
    const { tokens, tooDeepAt } = tokensOf(text, lines);
    if (tooDeepAt !== undefined) return { document: undefined, ranges, problems: [tooDeep(ranges(tooDeepAt, tooDeepAt + 1))] };
    const options = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false } as const;
    const [document, second] = new Composer(options).compose(tokens, true, text.length);
    const error = document?.errors[0];
    if (document !== undefined && error !== undefined) {
      return { document: undefined, ranges, problems: [unclosedQuote(error, document, ranges) ?? syntaxProblem(error, text, ranges)] };
    }
    if (second !== undefined) return { document: undefined, ranges, problems: [severalDocuments(second, ranges)] };
    return { document, ranges, problems: [] };
  } catch (error) {
    return { document: undefined, ranges, problems: [notUnderstood(error, ranges(0, 0))] };
  }
};

const position = (lines: LineCounter, offset: number): Range['start'] => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
};

/** The parser is stopped where it nests too deep: what comes after it is recursive. */
const tokensOf = (text: string, lines: LineCounter) => {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > deepest + 2) return { tokens: [], tooDeepAt: parser.offset };
  }
  tokens.push(...parser.end());
  return { tokens };
};

export const tooDeep = (range: Range): Problem => ({
  code: 'YAML_TOO_DEEP',
  message: `Lists and mappings stand more than ${deepest} deep in each other.`,
  hint: 'Write it flatter.',
  range,
});

const severalDocuments = (second: { readonly range: readonly [number, number, number] }, ranges: Ranges): Problem => ({
  code: 'YAML_SEVERAL_DOCUMENTS',
  message: 'There is a second document in this file.',
  hint: 'Remove the line "---" and what comes after it.',
  range: ranges(second.range[0], second.range[0]),
});

const notUnderstood = (error: unknown, range: Range): Problem => ({
  code: 'YAML_SYNTAX',
  message: `This is not understood as YAML: ${error instanceof Error ? error.message : String(error)}.`,
  range,
});

type SyntaxError = { readonly code: ErrorCode; readonly message: string; readonly pos: readonly [number, number] };

const syntaxProblem = (error: SyntaxError, text: string, ranges: Ranges): Problem => {
  const [start, end] = error.pos;
  if (error.code === 'RESOURCE_EXHAUSTION') return tooDeep(ranges(start, end));
  const tab = error.code === 'TAB_AS_INDENT' ? start : tabInIndentation(text, start);
  if (tab !== undefined) {
    return {
      code: 'YAML_TAB',
      message: 'A tab is used for indentation.',
      hint: 'Indent with spaces: YAML does not allow tabs there.',
      range: ranges(tab, tab + 1),
    };
  }
  const { message, hint } = explained[error.code] ?? { message: `${error.message}.`, hint: undefined };
  return { code: 'YAML_SYNTAX', message, ...(hint === undefined ? {} : { hint }), range: ranges(start, end) };
};

/** Told where it is opened: it ends with the file. */
const unclosedQuote = (error: SyntaxError, document: Document, ranges: Ranges): Problem | undefined => {
  if (!/^Missing closing .quote/.test(error.message)) return undefined;
  let start = error.pos[0];
  visit(document, {
    Scalar: (_key, { range }) => {
      if (range && range[0] < start && range[1] >= error.pos[0]) start = range[0];
    },
  });
  return { code: 'YAML_SYNTAX', message: 'This quote is not closed.', hint: 'Add the closing quote.', range: ranges(start, start + 1) };
};

const tabInIndentation = (text: string, offset: number): number | undefined => {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const indentation = /^[ \t]*/.exec(text.slice(lineStart, lineStart + 1000))?.[0] ?? '';
  const tab = indentation.indexOf('\t');
  return tab === -1 ? undefined : lineStart + tab;
};

/** Where the library's words speak of grammar and not of what to do. */
const explained: { readonly [code in ErrorCode]?: { readonly message: string; readonly hint?: string } } = {
  BLOCK_AS_IMPLICIT_KEY: { message: 'There is a second ": " in this line.', hint: 'Put the text in quotes: key: "a: b".' },
  MULTILINE_IMPLICIT_KEY: { message: 'This is neither a key nor a text.', hint: 'A key is followed by ": ", with a space.' },
  BAD_SCALAR_START: { message: 'A text without quotes cannot start with this character.', hint: 'Put the text in quotes.' },
  BAD_INDENT: { message: 'This line is not indented like the ones it belongs to.', hint: 'Keys of one mapping start in the same column.' },
  BAD_DQ_ESCAPE: { message: 'There is no such escape.', hint: 'Write \\\\ for a backslash, or use single quotes.' },
};
