import { type Parsed, type Problem, parsed, refused } from '../plan/problem.ts';
import { type Download, type Downloader, withoutUser } from './download.ts';

/** `token` goes to the registry's own host alone. */
export type StepRegistryOptions = { readonly url: URL; readonly token?: string; readonly download: Downloader };

export type FoundStep = { readonly version: string; readonly tarball: URL; readonly sha256?: string };

/** `undefined`: it knows no such step, for certain. */
export type StepRegistry = {
  readonly url: URL;
  find(owner: string, name: string, version: string, signal: AbortSignal): Promise<Parsed<FoundStep | undefined>>;
  get(found: FoundStep, what: string, signal: AbortSignal): Promise<Parsed<Uint8Array>>;
};

export const mostArchiveBytes = 128 * 1024 * 1024;
const mostAnswerBytes = 1024 * 1024;

/** Asks `<url>/api/steps/<owner>/<name>/<version>` for where the tar.gz of a step is. */
export const stepRegistry = ({ url, token, download }: StepRegistryOptions): StepRegistry => {
  const headersFor = (place: URL): Record<string, string> =>
    token !== undefined && place.origin === url.origin ? { authorization: `Bearer ${token}` } : {};
  return {
    url,
    find: async (owner, name, version, signal) => {
      const what = `${owner}/${name}@${version}`;
      const place = belowOf(url, ['api', 'steps', owner, name, version]);
      const answer = await download(place, {
        headers: { accept: 'application/json', ...headersFor(place) },
        mostBytes: mostAnswerBytes,
        signal,
      });
      if (answer.kind === 'missing') return parsed(undefined);
      if (answer.kind !== 'got') return refused(notHad(what, place, answer));
      const found = foundIn(answer.bytes, place);
      return found === undefined ? refused(notUnderstood(what, place)) : parsed({ ...found, version: found.version ?? version });
    },
    get: async ({ tarball }, what, signal) => {
      const answer = await download(tarball, { headers: headersFor(tarball), mostBytes: mostArchiveBytes, signal });
      return answer.kind === 'got' ? parsed(answer.bytes) : refused(notHad(what, tarball, answer));
    },
  };
};

/** A path below a registry's address, each part as one. */
export const belowOf = (url: URL, parts: readonly string[]): URL => {
  const place = withoutUser(url);
  place.pathname = [place.pathname.replace(/\/+$/, ''), ...parts.map(encodeURIComponent)].join('/');
  place.username = url.username;
  place.password = url.password;
  return place;
};

/** What keeps the code of a step from being had from a place. */
export const notHad = (what: string, place: URL, { kind, reason }: Exclude<Download, { kind: 'got' }>): Problem => {
  const from = withoutUser(place).href;
  switch (kind) {
    case 'missing':
      return {
        code: 'STEP_UNKNOWN',
        message: `There is no step ${what}: ${from} is not there (${reason}).`,
        hint: 'Check its owner, name and version.',
      };
    case 'denied':
      return {
        code: 'STEP_DENIED',
        message: `The step ${what} may not be had from ${from}: ${reason}.`,
        hint: 'Give a token of the registry in STEPS_REGISTRY_TOKEN.',
      };
    case 'too-large':
      return {
        code: 'STEP_TOO_LARGE',
        message: `The step ${what} is not taken from ${from}: ${reason}.`,
        hint: 'Have it download what is large when it runs.',
      };
    case 'refused':
    case 'unreachable':
      return {
        code: 'STEP_UNREACHABLE',
        message: `The step ${what} cannot be had from ${from}: ${reason}.`,
        hint: 'Try again when the server answers; what was fetched once, with an exact version, is not asked for again.',
      };
  }
};

const notUnderstood = (what: string, place: URL): Problem => ({
  code: 'STEP_REGISTRY_ANSWER',
  message: `The answer of ${withoutUser(place).href} for the step ${what} has no step.tarballUrl.`,
  hint: 'Check the address of the registry: its steps are below <address>/api/steps/.',
});

const foundIn = (
  bytes: Uint8Array,
  place: URL,
): { readonly version?: string; readonly tarball: URL; readonly sha256?: string } | undefined => {
  const step = fieldOf(jsonOf(bytes), 'step');
  const address = fieldOf(step, 'tarballUrl');
  const tarball = typeof address === 'string' ? URL.parse(address, place.href) : null;
  if (tarball === null || (tarball.protocol !== 'https:' && tarball.protocol !== 'http:')) return undefined;
  const said = fieldOf(step, 'version');
  const version = typeof said === 'string' ? said : fieldOf(said, 'number');
  const checksum = fieldOf(step, 'checksum');
  const sha256 = typeof checksum === 'string' ? /^(?:sha256:)?([0-9a-f]{64})$/i.exec(checksum)?.[1]?.toLowerCase() : undefined;
  return {
    tarball,
    ...(typeof version === 'string' && version !== '' ? { version } : {}),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
};

const jsonOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
};

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
