import type { FastifyServerOptions } from 'fastify';

/** One JSON line for each request that comes and one for its answer. Of an address only the path: tokens may stand behind it. No headers, no bodies. */
export const loggerOptions = (stream: { write(line: string): void } | undefined): NonNullable<FastifyServerOptions['logger']> =>
  stream !== undefined && {
    level: 'info',
    stream,
    base: null,
    serializers: {
      req: ({ method, url, ip }) => ({ method, path: pathOf(url), from: ip }),
      res: ({ statusCode }) => ({ status: statusCode }),
    },
  };

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? '';
