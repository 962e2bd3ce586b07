import { type FastifyReply, type FastifyRequest, type FastifyServerOptions, LogController } from 'fastify';

/** JSON lines. Of an address only the path: tokens may stand behind it. No headers, no bodies. */
export const loggerOptions = (stream: { write(line: string): void } | undefined): NonNullable<FastifyServerOptions['logger']> =>
  stream !== undefined && {
    level: 'info',
    stream,
    base: null,
    serializers: { req: requestFacts, res: ({ statusCode }) => ({ status: statusCode }) },
  };

/** One line for each request, when it has been answered: a stream's comes with its end. */
export const requestLog = (): LogController =>
  new (class extends LogController {
    override incomingRequest = (): void => {};
    override requestCompleted = (error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void => {
      const facts = { req: request, res: reply, ms: Math.round(reply.elapsedTime) };
      if (error) reply.log.error({ ...facts, err: error }, 'request failed');
      else reply.log.info(facts, 'request');
    };
    override streamError = (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
      const isLeft = 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
      if (!isLeft) reply.log.warn({ req: request, err: error }, 'the answer broke off');
    };
  })();

const requestFacts = ({ method, url, ip }: Pick<FastifyRequest, 'method' | 'url' | 'ip'>) => ({ method, path: pathOf(url), from: ip });

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? '';
