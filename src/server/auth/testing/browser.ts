/** What a browser does that matters here: it keeps cookies, says where a request comes from, and follows nothing by itself. */
export type Browser = {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** As a page of the server does it, unless the headers say something else. */
  post(path: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  /** Goes where a redirect leads, over other servers too, until there is none; an address of the server's own is asked of the server. */
  follow(location: string): Promise<readonly string[]>;
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: ReturnType<typeof JSON.parse> };

export const browserOf = (server: string, publicUrl: string): Browser => {
  const cookies = new Map<string, string>();

  const keep = (headers: Headers): void => {
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0\b/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
  };

  const ask = async (method: string, path: string, body: object | undefined, headers: Record<string, string>): Promise<Answer> => {
    const answer = await fetch(`${server}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookies.size === 0 ? {} : { cookie: Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ') }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    keep(answer.headers);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') ?? false;
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  };

  const ofPage = { 'x-cion': '1', origin: new URL(publicUrl).origin, 'sec-fetch-site': 'same-origin' };
  const send: Browser['send'] = (method, path, body, headers = ofPage) => ask(method, path, body, headers);

  return {
    cookies,
    get: (path, headers = {}) => ask('GET', path, undefined, headers),
    send,
    post: (path, body, headers) => send('POST', path, body, headers),
    follow: async (location) => {
      const way: string[] = [];
      let next: string | null = location;
      while (next !== null && way.length < 10) {
        way.push(next);
        const isOwn: boolean = next.startsWith(`${publicUrl}/`);
        if (isOwn) next = (await ask('GET', next.slice(publicUrl.length), undefined, {})).headers.get('location');
        else next = (await fetch(next, { redirect: 'manual' })).headers.get('location');
      }
      return way;
    },
  };
};
