import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Downloads, SignedAddress } from '../../results/direct-bytes.ts';
import type { RouteDeps } from '../app-deps.ts';

/**
 * Answers with an address at which the place of the results gives the object itself, where the server does so: by a redirect, or in JSON to who asks for that.
 * `undefined`: the server sends it. Who asks was let in before.
 */
export const redirected = async (
  { downloads }: Pick<RouteDeps, 'downloads'>,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  addressIn: (downloads: Downloads) => Promise<SignedAddress | undefined>,
): Promise<FastifyReply | undefined> => {
  if (downloads === undefined || isOfScript(request)) return undefined;
  const address = await addressIn(downloads);
  if (address === undefined) return undefined;
  void reply.header('cache-control', 'private, no-store').header('vary', 'accept, authorization');
  if (request.headers.accept === 'application/json') return reply.send({ url: address.url, until: address.until });
  return reply.redirect(address.url, 302);
};

/** A script of a page of ours may ask nobody but us. Programs have a token, and what a browser opens is wanted as a page. */
const isOfScript = ({ headers }: FastifyRequest): boolean =>
  headers.authorization === undefined && headers.accept?.includes('text/html') !== true;

/** For a browser: to be kept under that name, and not shown. */
export const attachmentOf = (name: string): string => {
  const plain = name.replace(/[^\w.-]/g, '_');
  const exact = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
};
