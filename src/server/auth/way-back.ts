/** Where a browser goes after a login: a page of ours, whatever was asked for (atk-63: no open redirect). `origin`: of our own address. */
export const wayBack = (asked: string | undefined, origin: string): string => {
  const home = `${origin}/`;
  if (asked === undefined || !asked.startsWith('/')) return home;
  const url = URL.parse(asked, origin);
  if (url === null || url.origin !== origin || url.pathname.startsWith('/api/')) return home;
  return `${origin}${url.pathname}${url.search}${url.hash}`;
};
