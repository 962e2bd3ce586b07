import type { Sent } from '../../forges/testing/hook-request.ts';

export type Posted = { readonly status: number; readonly text: string };

/** Sends a delivery as its forge would. */
export const post = async (url: string, path: string, { headers, body }: Sent): Promise<Posted> => {
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: new Uint8Array(body) });
  return { status: response.status, text: await response.text() };
};
