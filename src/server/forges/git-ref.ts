/** A whole ref as `git check-ref-format` takes it, of at most 1,024 bytes: what else a payload calls a ref is none. */
export const isRef = (text: string): boolean =>
  text.startsWith('refs/') &&
  Buffer.byteLength(text) <= longestRef &&
  text.isWellFormed() &&
  !/[\u0000- \u007f~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$/.test(text) &&
  text.split('/').length > 2 &&
  text.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));

const longestRef = 1024;

/** A whole SHA-1 or SHA-256. */
export const isHash = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/** What stands for "there is none". */
export const isNoCommit = (hash: string): boolean => /^0+$/.test(hash);
