/**
 * Whether a path of a build context is left out by its `.dockerignore`: patterns as of Go's filepath.Match, `**` for any number of
 * directories, `!` for what comes back; the last pattern that fits the path or a directory above it decides.
 */
export const ignoredBy = (text: string): ((path: string) => boolean) => {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .flatMap((line) => {
      const returns = line.startsWith('!');
      const pattern = plain(returns ? line.slice(1).trim() : line);
      return pattern === '' ? [] : [{ returns, pattern: expression(pattern) }];
    });
  return (path) => {
    const steps = path.split('/');
    const above = steps.map((_, depth) => steps.slice(0, depth + 1).join('/'));
    const decisive = rules.findLast(({ pattern }) => above.some((each) => pattern.test(each)));
    return decisive !== undefined && !decisive.returns;
  };
};

const plain = (pattern: string): string => {
  const steps: string[] = [];
  for (const step of pattern.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/');
};

const expression = (pattern: string): RegExp => {
  let source = '';
  for (let rest = pattern; rest !== ''; ) {
    const token = /^(?:\*\*\/|\*\*|\*|\?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[^])/u.exec(rest)?.[0] ?? rest;
    rest = rest.slice(token.length);
    source += translated(token);
  }
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch {
    return never;
  }
};

const translated = (token: string): string => {
  if (token === '**/') return '(?:.*/)?';
  if (token === '**') return '.*';
  if (token === '*') return '[^/]*';
  if (token === '?') return '[^/]';
  if (token.length > 2 && token.startsWith('[')) return token;
  return (token.length > 1 && token.startsWith('\\') ? token.slice(1) : token).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
};

const never = /(?!)/;
