import { createHmac } from 'node:crypto';

export type WebMessage = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

/**
 * JSON, signed so that its receiver knows whose it is: HMAC-SHA256 of `<timestamp>.<body>` with the subscription's secret. One that is sent again, because
 * its answer was lost, has the same `X-Cion-Delivery`.
 */
export const webMessage = (
  letter: { readonly id: string; readonly told: { readonly event: string } },
  secret: string,
  now: number,
): WebMessage => {
  const body = JSON.stringify({ id: letter.id, ...letter.told });
  const timestamp = String(Math.floor(now / 1000));
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'cion',
      'x-cion-delivery': letter.id,
      'x-cion-event': letter.told.event,
      'x-cion-timestamp': timestamp,
      'x-cion-signature-256': `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`,
    },
  };
};
