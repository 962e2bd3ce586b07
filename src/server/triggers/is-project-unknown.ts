/** The project is gone: trying again is no use. */
export const isProjectUnknown = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'PROJECT_UNKNOWN';
