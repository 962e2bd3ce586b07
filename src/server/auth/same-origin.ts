import type { IncomingHttpHeaders } from 'node:http';

/** What stands for a page of ours: a header that no form can send and no other origin is allowed to (atk-62). */
export const pageHeader = 'x-cion';

/**
 * Whether a request comes from a page of ours, or from no browser at all. What a browser says of where it comes from must not contradict;
 * with `proven` it must have said so, for then it came with a cookie. `stamped`: it is a form that has what only forms of ours have.
 */
export const isOurs = (
  headers: IncomingHttpHeaders,
  origin: string,
  { proven, stamped = false }: { readonly proven: boolean; readonly stamped?: boolean },
): boolean => {
  const site = headers['sec-fetch-site'];
  const said = [
    ...(site === undefined ? [] : [site === 'same-origin']),
    ...(headers.origin === undefined ? [] : [headers.origin === origin]),
  ];
  return (headers[pageHeader] === '1' || stamped) && said.every(Boolean) && (!proven || said.length > 0);
};

export const changesState = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method);
