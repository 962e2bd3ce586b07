import type { IncomingMessage } from 'node:http';
import { EngineError } from './engine-error.ts';

/** What the engine says for its no, in its own words. */
export const refusal = async (name: string, response: IncomingMessage): Promise<EngineError> => {
  const { statusCode: status = 0, statusMessage } = response;
  const text = await beginning(response);
  const reason = messageIn(text) ?? (text.trim() || `${status} ${statusMessage ?? ''}`.trim());
  const message =
    status < 300
      ? `the Docker Engine at ${name} does not hand over its connection, or something in between keeps it from doing so`
      : /HTTP request to an HTTPS server/.test(reason)
        ? `the Docker Engine at ${name} wants TLS`
        : reason;
  return new EngineError('refused', message, { status });
};

const enough = 64 * 1024;

const beginning = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  try {
    for await (const part of response.setEncoding('utf8')) {
      text += part;
      if (text.length > enough) break;
    }
  } catch {
    // The status alone has to do.
  }
  return text.slice(0, enough);
};

const messageIn = (text: string): string | undefined => {
  try {
    const answer = JSON.parse(text) as { readonly message?: unknown } | null;
    return typeof answer?.message === 'string' && answer.message.trim() !== '' ? answer.message.trim() : undefined;
  } catch {
    return undefined;
  }
};
