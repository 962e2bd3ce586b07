/** For people who may see the project's settings: the words of errors of ours, and of others nothing but that they were. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[A-Z][A-Z_]+$/.test(error.code)
    ? error.message.replace(/\.$/, '')
    : 'the server could not do it; its log says why';
