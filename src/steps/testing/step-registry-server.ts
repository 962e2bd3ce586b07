import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export type SeenRequest = { readonly method: string; readonly path: string; readonly authorization?: string };

export type StepRegistryServer = {
  readonly url: URL;
  readonly seen: readonly SeenRequest[];
  /** Publishes without asking anybody. */
  add(
    owner: string,
    name: string,
    version: string,
    archive: Uint8Array,
    also?: { readonly checksum?: string; readonly tarballUrl?: string },
  ): void;
  /** The next so many requests are answered with this status. */
  failNext(times: number, status: number): void;
  /** From now on nobody answers. */
  close(): Promise<void>;
};

type Published = { readonly version: string; readonly archive: Uint8Array; readonly checksum?: string; readonly tarballUrl?: string };
type Draft = { readonly owner: string; readonly name: string; readonly version: string; readonly checksum: string; archive?: Uint8Array };

/**
 * A registry of steps that speaks the protocol of the public one: steps are found below `/api/steps/`, and published by a draft, an
 * upload to the address that it gives, and a last word. Who publishes needs the token; who reads needs it when there is `readToken`.
 */
export const stepRegistryServer = async (options: { readonly token: string; readonly isPrivate?: true }): Promise<StepRegistryServer> => {
  const seen: SeenRequest[] = [];
  const steps = new Map<string, Published[]>();
  const drafts = new Map<string, Draft>();
  let failing = { times: 0, status: 500 };

  const isAllowed = ({ headers }: IncomingMessage): boolean => headers.authorization === `Bearer ${options.token}`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request;
    const { authorization } = request.headers;
    seen.push({ method, path: url, ...(authorization === undefined ? {} : { authorization }) });
    const body = await buffer(request);
    const send = (status: number, content: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(content));
    };
    if (failing.times > 0) {
      failing = { ...failing, times: failing.times - 1 };
      return send(failing.status, { error: 'try again' });
    }
    const parts = url
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    const [area, kind, owner = '', name = '', version = ''] = parts;
    if (area === 'api' && kind === 'steps') {
      if (options.isPrivate && !isAllowed(request)) return send(401, { error: 'who are you?' });
      const found = matching(steps.get(`${owner}/${name}`) ?? [], version);
      if (found === undefined) return send(404, { error: 'not found' });
      const tarballUrl = found.tarballUrl ?? new URL(`/files/${owner}/${name}/${found.version}.tgz`, address()).href;
      const { checksum } = found;
      return send(200, {
        step: { owner, name, version: { number: found.version }, tarballUrl, ...(checksum === undefined ? {} : { checksum }) },
      });
    }
    if (area === 'files') {
      const found = steps.get(`${kind}/${owner}`)?.find((one) => `${one.version}.tgz` === name);
      if (found === undefined) return send(404, {});
      response.writeHead(200, { 'content-type': 'application/gzip' });
      response.end(found.archive);
      return undefined;
    }
    if (method === 'PUT' && area === 'uploads') {
      const draft = drafts.get(kind ?? '');
      if (draft === undefined) return send(404, {});
      draft.archive = body;
      return send(200, {});
    }
    if (method === 'POST' && area === 'api' && kind === 'publish') {
      if (!isAllowed(request)) return send(401, { error: 'who are you?' });
      return owner === 'done' ? done(body, send) : draftOf(body, send);
    }
    return send(404, {});
  };

  const draftOf = (body: Buffer, send: (status: number, content: unknown) => void): void => {
    const { checksum, manifest, username } = JSON.parse(body.toString()) as {
      readonly checksum: string;
      readonly username?: string;
      readonly manifest: { readonly name: string; readonly version: string };
    };
    const owner = username ?? 'somebody';
    if (steps.get(`${owner}/${manifest.name}`)?.some(({ version }) => version === manifest.version)) {
      return send(409, { error: 'this version is published already' });
    }
    const token = randomUUID();
    drafts.set(token, { owner, name: manifest.name, version: manifest.version, checksum });
    return send(200, { uploadUrl: new URL(`/uploads/${token}`, address()).href, token });
  };

  const done = (body: Buffer, send: (status: number, content: unknown) => void): void => {
    const { token } = JSON.parse(body.toString()) as { readonly token: string };
    const draft = drafts.get(token);
    if (draft?.archive === undefined) return send(400, { error: 'nothing was uploaded' });
    const checksum = createHash('sha256').update(draft.archive).digest('hex');
    if (checksum !== draft.checksum) return send(400, { error: 'the checksum is another' });
    publish(draft.owner, draft.name, { version: draft.version, archive: draft.archive, checksum });
    return send(200, {});
  };

  const publish = (owner: string, name: string, published: Published): void => {
    steps.set(`${owner}/${name}`, [...(steps.get(`${owner}/${name}`) ?? []), published]);
  };

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = (): URL => {
    const at = server.address();
    return new URL(`http://127.0.0.1:${at !== null && typeof at === 'object' ? at.port : 0}/`);
  };
  return {
    url: address(),
    seen,
    add: (owner, name, version, archive, also = {}) => publish(owner, name, { version, archive, ...also }),
    failNext: (times, status) => {
      failing = { times, status };
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

/** The newest of those that fit: all of `*`, those of `^1` and `1.2` with the same beginning, or the one. */
const matching = (published: readonly Published[], wanted: string): Published | undefined => {
  const [, major = ''] = /^\^(\d+)/.exec(wanted) ?? [];
  const beginning = wanted === '*' ? '' : major === '' ? wanted : `${major}.`;
  const fits = ({ version }: Published): boolean =>
    version === wanted || version.startsWith(beginning === wanted ? `${wanted}.` : beginning);
  return published.filter(fits).sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }))[0];
};
