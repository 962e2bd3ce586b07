import { type Ask, RefusedPlace } from '../../steps/download.ts';
import type { Outgoing } from './outgoing.ts';
import { OutgoingError } from './outgoing-error.ts';

/**
 * How a server asks for what users name, the code of steps: never at an address inside, also when a redirect or an answer leads there (atk-60). Only the `trusted`
 * registry, which the operator named, is asked by `asAnybody`, wherever it is.
 */
export const askOutside =
  (send: Outgoing, asAnybody: Outgoing) =>
  (trusted: URL | undefined): Ask =>
  async (url, { method, headers, mostBytes, timeoutMs, signal }) => {
    if (method === 'PUT') throw new RefusedPlace('nothing is sent there');
    const ask = url.origin === trusted?.origin ? asAnybody : send;
    try {
      const { body, ...answer } = await ask({ method, url: url.href, headers, limitBytes: mostBytes, timeoutMs, signal });
      return { ...answer, bytes: body, whole: true };
    } catch (error) {
      if (error instanceof OutgoingError && error.code === 'ADDRESS_REFUSED') throw new RefusedPlace(error.message, { cause: error });
      if (error instanceof OutgoingError && error.code === 'OUTSIDE_TOO_LARGE')
        return { status: 200, bytes: Buffer.alloc(0), whole: false };
      throw error;
    }
  };
