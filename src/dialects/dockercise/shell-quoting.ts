/**
 * How far a reader of a shell script is into quotes, as `sh` reads it: enough to say how a word must be quoted where it stands.
 * `parameter` is `${…}`; `document` the lines of a here-document, `literal` of one whose delimiter is quoted.
 */
export type Frame = {
  readonly kind: 'bare' | 'single' | 'double' | 'parameter' | 'document' | 'literal';
  /** What ends a substitution. */
  readonly closes?: ')' | '`';
  readonly arithmetic?: true;
  /** Where the lines of a here-document end. */
  readonly until?: number;
  /** Here-documents whose lines begin after this one. */
  readonly announced?: readonly HereDocument[];
};

type HereDocument = { readonly delimiter: string; readonly quoted: boolean; readonly tabs: boolean };

export type Moved = { readonly to: number; readonly stack: readonly Frame[] };

const bare: Frame = { kind: 'bare' };

/** Over what has a meaning of its own to the shell; `undefined` at an ordinary character. */
export const step = (script: string, at: number, stack: readonly Frame[]): Moved | undefined => {
  const ended = stack.findIndex(({ until }) => until !== undefined && at >= until);
  if (ended >= 0) return { to: at, stack: stack.slice(0, ended) };
  const frame = stack.at(-1) ?? bare;
  const char = script[at] ?? '';
  const push = (length: number, ...frames: readonly Frame[]): Moved => ({ to: at + length, stack: [...stack, ...frames] });
  const pop = (length: number): Moved => ({ to: at + length, stack: stack.slice(0, -1) });
  const pass = (length: number): Moved => ({ to: at + length, stack });
  if (frame.kind === 'single') return char === "'" ? pop(1) : undefined;
  if (frame.kind === 'literal') return undefined;
  if (char === '\\') return pass(2);
  if (char === '`') {
    const open = stack.findLastIndex(({ closes }) => closes === '`');
    return open < 0 ? push(1, { ...bare, closes: '`' }) : { to: at + 1, stack: stack.slice(0, open) };
  }
  if (stack.length > deepest) return undefined;
  if (script.startsWith('${', at)) return push(2, { kind: 'parameter' });
  if (script.startsWith('$((', at)) return push(3, arithmetic, arithmetic);
  if (script.startsWith('$(', at)) return push(2, { ...bare, closes: ')' });
  if (frame.kind === 'parameter' && char === '}') return pop(1);
  if (char === '"') {
    if (frame.kind === 'double') return pop(1);
    return frame.kind === 'document' ? undefined : push(1, { kind: 'double' });
  }
  const isInWords = stack.findLast(({ kind }) => kind !== 'parameter')?.kind === 'bare';
  if (frame.kind === 'parameter' && char === "'" && isInWords) return push(1, { kind: 'single' });
  return frame.kind === 'bare' ? stepBare(script, at, stack, frame) : undefined;
};

/** Deeper ones are read as ordinary text. */
const deepest = 200;

const arithmetic: Frame = { ...bare, closes: ')', arithmetic: true };

const stepBare = (script: string, at: number, stack: readonly Frame[], frame: Frame): Moved | undefined => {
  const char = script[at] ?? '';
  if (char === "'") return { to: at + 1, stack: [...stack, { kind: 'single' }] };
  if (char === '(') return { to: at + 1, stack: [...stack, { ...bare, closes: ')', ...(frame.arithmetic && { arithmetic: true }) }] };
  if (char === ')' && frame.closes === ')') return { to: at + 1, stack: stack.slice(0, -1) };
  if (char === '#' && /^$|[\s;&|()]/.test(script[at - 1] ?? '')) return { to: endOfLine(script, at), stack };
  if (script.startsWith('<<<', at)) return { to: at + 3, stack };
  if (script.startsWith('<<', at) && !frame.arithmetic) return announced(script, at, stack, frame);
  if (char === '\n' && frame.announced !== undefined) return intoDocument(script, at + 1, stack, frame.announced);
  return undefined;
};

const endOfLine = (script: string, at: number): number => {
  const end = script.indexOf('\n', at);
  return end < 0 ? script.length : end;
};

const hereDocument = /^<<(-?)[ \t]*(?:'([^'\n]*)'|"([^"\n]*)"|((?:\\.|[^\s;&|<>()'"`\\])+))/;

const announced = (script: string, at: number, stack: readonly Frame[], frame: Frame): Moved => {
  const [text, dash, single, double, word] = hereDocument.exec(script.slice(at, at + 200)) ?? [];
  const delimiter = single ?? double ?? word?.replace(/\\(.)/g, '$1');
  if (text === undefined || delimiter === undefined) return { to: at + 2, stack };
  const document = { delimiter, quoted: word === undefined || word.includes('\\'), tabs: dash === '-' };
  return { to: at + text.length, stack: [...stack.slice(0, -1), { ...frame, announced: [...(frame.announced ?? []), document] }] };
};

const intoDocument = (script: string, start: number, stack: readonly Frame[], [first, ...more]: readonly HereDocument[]): Moved => {
  const { announced: _announced, ...frame } = stack.at(-1) ?? bare;
  const outside = [...stack.slice(0, -1), more.length === 0 ? frame : { ...frame, announced: more }];
  if (first === undefined) return { to: start, stack: outside };
  const until = endOfDocument(script, start, first);
  return { to: start, stack: [...outside, { kind: first.quoted ? 'literal' : 'document', until }] };
};

/** Where the newline before the delimiter's line is, so that a further document begins there. */
const endOfDocument = (script: string, start: number, { delimiter, tabs }: HereDocument): number => {
  for (let at = start; at < script.length; at = endOfLine(script, at) + 1) {
    const line = script.slice(at, endOfLine(script, at));
    if ((tabs ? line.replace(/^\t+/, '') : line) === delimiter) return Math.min(script.length, at + line.length);
  }
  return script.length;
};

export const isPlainWord = (text: string): boolean => !/[\s'"\\$`;&|<>()*?[\]#~!]/.test(text);

/** A path as it must be written where these quotes are open. */
export const inserted = (path: string, stack: readonly Frame[]): string => {
  const word = quotedFor(path, stack.at(-1) ?? bare);
  return stack.some(({ closes }) => closes === '`') ? word.replace(/[\\$`]/g, '\\$&') : word;
};

const quotedFor = (path: string, { kind }: Frame): string => {
  switch (kind) {
    case 'bare':
      return /^[\w./+:,%-]+$/.test(path) ? path : `'${inSingleQuotes(path)}'`;
    case 'single':
      return inSingleQuotes(path);
    case 'double':
      return path.replace(/[\\$`"]/g, '\\$&');
    case 'document':
      return path.replace(/[\\$`]/g, '\\$&');
    case 'literal':
    case 'parameter':
      return path;
  }
};

const inSingleQuotes = (text: string): string => text.replaceAll("'", "'\\''");
