import { type Parsed, type Problem, parsed, refused } from '../plan/problem.ts';
import { type Download, type Downloader, withoutUser } from './download.ts';
import type { PackedStep } from './pack-step.ts';
import { belowOf } from './step-registry.ts';

export type PublishOptions = {
  readonly registry: URL;
  readonly token: string;
  /** Whose step it is; absent: whose token it is. */
  readonly owner?: string;
  readonly isPrivate: boolean;
  readonly download: Downloader;
  readonly signal: AbortSignal;
};

const mostAnswerBytes = 1024 * 1024;

/** A draft, the archive to the address that the answer gives, and the last word; the token goes to the registry alone. */
export const publishStep = async (
  { manifest, archive, sha256 }: PackedStep,
  { registry, token, owner, isPrivate, download, signal }: PublishOptions,
): Promise<Parsed<undefined>> => {
  const post = (parts: readonly string[], content: unknown): Promise<Download> =>
    download(belowOf(registry, parts), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(content),
      mostBytes: mostAnswerBytes,
      signal,
    });
  const draft = await post(['api', 'publish'], {
    checksum: sha256,
    size: archive.length,
    manifest,
    private: isPrivate,
    ...(owner === undefined ? {} : { username: owner }),
  });
  if (draft.kind !== 'got') return refused(notPublished(manifest.name, registry, 'does not take it', draft));
  const { uploadUrl, token: ticket } = answerIn(draft.bytes);
  const place = uploadUrl === undefined ? null : URL.parse(uploadUrl, registry.href);
  if (place === null || ticket === undefined) {
    return refused(notPublished(manifest.name, registry, 'gives no address to upload it to', { reason: 'no uploadUrl and token' }));
  }
  const uploaded = await download(place, {
    method: 'PUT',
    headers: { 'content-type': 'application/gzip' },
    body: archive,
    mostBytes: mostAnswerBytes,
    signal,
  });
  if (uploaded.kind !== 'got') return refused(notPublished(manifest.name, place, 'does not take its archive', uploaded));
  const done = await post(['api', 'publish', 'done'], { token: ticket });
  return done.kind === 'got' ? parsed(undefined) : refused(notPublished(manifest.name, registry, 'does not finish it', done));
};

const answerIn = (bytes: Uint8Array): { readonly uploadUrl?: string; readonly token?: string } => {
  try {
    const { uploadUrl, token } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      readonly uploadUrl?: unknown;
      readonly token?: unknown;
    };
    return { ...(typeof uploadUrl === 'string' ? { uploadUrl } : {}), ...(typeof token === 'string' ? { token } : {}) };
  } catch {
    return {};
  }
};

const notPublished = (name: string, place: URL, what: string, { reason }: { readonly reason: string }): Problem => ({
  code: 'STEP_UNPUBLISHED',
  message: `The step ${name} is not published: ${withoutUser(place).origin} ${what}: ${reason}.`,
  hint: 'Check the token, and that this version is not published yet.',
});
