import type { Clock } from '../../lib/clock.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import { DeliveryError } from './delivery-error.ts';
import { mailMessage } from './mail-message.ts';
import type { SendMail } from './mail-server.ts';
import { slackMessage } from './slack-message.ts';
import type { Target } from './target.ts';
import type { Told } from './told.ts';
import { webMessage } from './web-message.ts';

/** Resolves when it was taken. Rejects with DeliveryError or OutgoingError, at once when the signal aborts: whether it was taken is not known then. */
export type Deliver = (letter: { readonly id: string; readonly told: Told }, target: Target, signal: AbortSignal) => Promise<void>;

export type DeliverDeps = {
  readonly send: Outgoing;
  /** Absent: the operator has named no mail server. */
  readonly sendMail?: SendMail;
  readonly clock: Pick<Clock, 'now'>;
};

const limitBytes = 64 * 1024;
const timeoutMs = 15_000;

export const deliver = ({ send, sendMail, clock }: DeliverDeps): Deliver => {
  const post = async (url: string, body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> => {
    const { status } = await send({ method: 'POST', url, body, headers, limitBytes, timeoutMs, signal });
    if (status < 200 || status > 299) throw new DeliveryError(`${new URL(url).host} answered ${status}`);
  };
  return async (letter, target, signal) => {
    switch (target.way) {
      case 'http': {
        const { body, headers } = webMessage(letter, target.secret, clock.now());
        return post(target.url, body, headers, signal);
      }
      case 'slack':
        return post(target.url, slackMessage(letter.told), { 'content-type': 'application/json' }, signal);
      case 'mail':
        if (sendMail === undefined) throw new DeliveryError('this server has no mail server');
        return sendMail({ id: letter.id, to: target.to, ...mailMessage(letter.told) }, signal);
    }
  };
};
