import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { ApiErrorBody } from '../api/api-error.ts';
import { HttpError } from './http-error.ts';
import { requestWords } from './request-words.ts';

/** Whatever was thrown becomes the one error shape; of what was not meant for the sender, it is told nothing. */
export const answerError = (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void => {
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  const { status, body } = answerTo(error);
  if (status === 503) request.log.warn({ code: body.code, message: body.message }, 'a request has to wait');
  else if (status >= 500) request.log.error({ err: { name: error.name, message: error.message, stack: error.stack } }, 'a request failed');
  void reply.code(status).header('cache-control', 'no-store').type('application/json; charset=utf-8').serializer(JSON.stringify).send(body);
};

export const notFound = (_request: FastifyRequest, reply: FastifyReply): void => {
  const body: ApiErrorBody = { code: 'NOT_FOUND', message: 'There is nothing at this address.' };
  void reply.code(404).serializer(JSON.stringify).type('application/json; charset=utf-8').send(body);
};

const answerTo = (error: FastifyError | Error): { readonly status: number; readonly body: ApiErrorBody } => {
  const meant = httpErrorIn(error);
  if (meant !== undefined) {
    const { status, code, message, hint } = meant;
    return { status, body: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    return { status: 400, body: { code: 'REQUEST_INVALID', message: `${requestWords(error.validation[0])}.` } };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = Object.hasOwn(ours, code) ? ours[code] : undefined;
  if (known !== undefined) return { status: known, body: { code, message: error.message } };
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  const hint = 'hint' in error && typeof error.hint === 'string' ? { hint: error.hint } : {};
  if (status < 500 && /^(?!FST_)[A-Z][A-Z_]+$/.test(code)) return { status, body: { code, message: error.message, ...hint } };
  if (status === 413) return { status, body: { code: 'REQUEST_TOO_LARGE', message: 'The request is larger than this address takes.' } };
  if (status === 429) return { status, body: { code: 'TOO_MANY_REQUESTS', message: 'That is too many requests.', hint: 'Wait a minute.' } };
  if (status >= 400 && status < 500) return { status, body: { code: 'REQUEST_INVALID', message: 'The request cannot be understood.' } };
  return { status: 500, body: { code: 'SERVER_FAILED', message: 'The server could not do this. Its log says why.' } };
};

/** What a stream of ours was broken off with comes back inside the error of whoever read it. */
const httpErrorIn = (error: unknown): HttpError | undefined => {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++)
    if (each instanceof HttpError) return each;
  return undefined;
};

/** Errors of other parts whose words are for whoever asked. Besides these, any that has a `code` and a `statusCode` below 500. */
const ours: Readonly<Record<string, number>> = {
  LOG_FRAME_INVALID: 400,
  RUN_UNKNOWN: 404,
  PROJECT_UNKNOWN: 404,
  SOURCE_REF_GONE: 422,
  WORKER_REPORT_INVALID: 400,
  GATE_UNKNOWN: 404,
  GATE_NOT_OPEN: 409,
  GATE_CLOSED: 409,
  GATE_CHANGED: 409,
  STORE_UNAVAILABLE: 503,
  // Another server has taken over: who asks again is answered by that one.
  STORE_LOCKED: 503,
  RESULTS_UNWRITABLE: 422,
  // Not there, or damaged: asking again does not help.
  RESULTS_UNREADABLE: 500,
  NO_SPACE: 507,
  RESULTS_DENIED: 502,
  RESULTS_NO_CREDENTIALS: 502,
  RESULTS_NO_BUCKET: 502,
  RESULTS_UNREACHABLE: 502,
};
