import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { SignedAddress } from '../results/direct-bytes.ts';
import { ResultsError } from '../results/results-error.ts';

/** How long nothing may move. */
const silentMs = 60_000;

/**
 * Follows a signed address with nothing but what it asks for: no token of ours goes there. The answer when it is a good one, its body not read yet. Rejects
 * with ResultsError: RESULTS_UNREACHABLE when another try with a new address may help.
 */
export const followed = async (
  { url, headers }: SignedAddress,
  { method, body }: ({ readonly method: 'GET' } & { readonly body?: never }) | { readonly method: 'PUT'; readonly body: Readable },
): Promise<IncomingMessage> => {
  const { origin } = new URL(url);
  const request = origin.startsWith('https:') ? httpsRequest : httpRequest;
  const sent = request(url, { method, headers, timeout: silentMs });
  sent.on('timeout', () => sent.destroy(new Error('nothing moved for a minute')));
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject);
    if (body === undefined) sent.end();
    else pipeline(body, sent).catch(reject);
  }).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new ResultsError('RESULTS_UNREACHABLE', `${origin}, where the results are, cannot be reached from this worker: ${message}`, {
      cause: error,
    });
  });
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  const said = /<Code>(\w+)<\/Code>/.exec(await text(answer).catch(() => ''))?.[1];
  sent.destroy();
  const why = `${origin}, where the results are, answered ${status}${said === undefined ? '' : ` (${said})`}`;
  throw new ResultsError(codeOf(status, said), why);
};

const codeOf = (status: number, said: string | undefined): 'RESULTS_UNREACHABLE' | 'RESULTS_DENIED' | 'RESULTS_UNWRITABLE' => {
  if (status >= 500 || status === 408 || status === 429 || said === 'RequestTimeout') return 'RESULTS_UNREACHABLE';
  return status === 401 || status === 403 ? 'RESULTS_DENIED' : 'RESULTS_UNWRITABLE';
};
