/** The lines of a file of identities or recipients that say something, each with its number; what begins with `#` is a comment. */
export const keyLines = (text: string): readonly { readonly line: number; readonly key: string }[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((content, index) => ({ line: index + 1, key: content.trim() }))
    .filter(({ key }) => key !== '' && !key.startsWith('#'));
