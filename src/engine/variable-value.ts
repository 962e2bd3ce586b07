/** The longest that Linux takes as one variable of a process: `NAME=value` and the byte that ends it. */
export const longestVariableBytes = 128 * 1024;

/** The value, or an error that says why no process can be given it: nothing of it is lost without a word. */
export const usableValue = (stage: string, name: string, value: string): string => {
  if (value.includes('\0')) {
    throw new VariableUnusable(
      'VARIABLE_HAS_NUL',
      `the variable ${name} of "${stage}" would have a NUL byte in it, which none can have: give it as a file`,
    );
  }
  const bytes = Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  if (bytes > longestVariableBytes) {
    const most = `${longestVariableBytes / 1024} KiB`;
    throw new VariableUnusable(
      'VARIABLE_TOO_LARGE',
      `the variable ${name} of "${stage}" would have ${bytes} bytes, and a process takes at most ${most}: give it as a file`,
    );
  }
  return value;
};

class VariableUnusable extends Error {
  readonly code: 'VARIABLE_HAS_NUL' | 'VARIABLE_TOO_LARGE';

  constructor(code: VariableUnusable['code'], message: string) {
    super(message);
    this.code = code;
  }
}
