import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HookRequest } from '../forge.ts';

/** A delivery as a forge sends it: signed with the secret over exactly these bytes. */
export type Sent = HookRequest & { readonly headers: Readonly<Record<string, string>> };

export const bytesOf = (payload: unknown): Buffer => (Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload)));

const hmac = (body: Buffer, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');

export const fromGitHub = (event: string, payload: unknown, secret: string, id = 'd1'): Sent => {
  const body = bytesOf(payload);
  return {
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${hmac(body, secret)}`,
    },
    body,
  };
};

export const fromGitea = (event: string, payload: unknown, secret: string, id = 'd1'): Sent => {
  const body = bytesOf(payload);
  return {
    headers: {
      'content-type': 'application/json',
      'x-gitea-event': event,
      'x-gitea-delivery': id,
      'x-gitea-signature': hmac(body, secret),
    },
    body,
  };
};

/** As GitLab signs since it has signing tokens; without a time, as older ones: with the secret itself. */
export const fromGitLab = (event: string, payload: unknown, secret: string, id = 'd1', at?: number): Sent => {
  const body = bytesOf(payload);
  const headers = { 'content-type': 'application/json', 'x-gitlab-event': event, 'idempotency-key': id };
  if (at === undefined) return { headers: { ...headers, 'x-gitlab-token': secret }, body };
  const time = String(Math.floor(at / 1000));
  const mac = createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .update(`${id}.${time}.`)
    .update(body)
    .digest('base64');
  return { headers: { ...headers, 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': `v1,${mac}` }, body };
};

export const caseOf = (forge: 'gitlab' | 'gitea', name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`../${forge}/cases/${name}.json`, import.meta.url), 'utf8'));
