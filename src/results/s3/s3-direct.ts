import { createHash, randomBytes } from 'node:crypto';
import type { DirectBytes, Downloads, ShownAs, SignedAddress, UploadAs } from '../direct-bytes.ts';
import { checkNames, isPlainName, logOwner, objectPath, zipName } from '../object-names.ts';
import { ResultsError } from '../results-error.ts';
import type { AttemptKey } from '../results.ts';
import { s3Error } from './s3-error.ts';
import { logPaths } from './s3-log.ts';
import type { S3Objects } from './s3-objects.ts';
import type { S3Signer } from './s3-signer.ts';
import { cachePath, isOld, treePath } from './s3-trees.ts';

/** Where uploads wait to become what they are for. */
export const uploadsPrefix = 'uploads/';

export const s3Downloads = (objects: Pick<S3Objects, 'stored'>, { sign }: Pick<S3Signer, 'sign'>): Downloads => {
  const present = async (path: string, { type, disposition }: ShownAs): Promise<SignedAddress | undefined> => {
    if ((await objects.stored(path)) === undefined) return undefined;
    return sign('GET', path, {
      query: {
        'response-content-type': type,
        'response-cache-control': 'private, no-store',
        ...(disposition === undefined ? {} : { 'response-content-disposition': disposition }),
      },
    });
  };
  return {
    address: async (run, name, as) => (isPlainName(run) && isPlainName(name) ? present(objectPath(run, name), as) : undefined),
    log: async (key, as) => {
      checkNames(key, 'RESULTS_UNREADABLE');
      const { index, past, newest } = logPaths(key);
      if ((await objects.stored(index)) === undefined) return undefined;
      return (await present(past, as)) ?? present(newest, as);
    },
  };
};

/** `sign`: addresses as workers reach the place; `signHere`: as this server does. */
export const s3Direct = (
  objects: Pick<S3Objects, 'name' | 'stored' | 'copy' | 'remove'>,
  { sign, signHere }: { readonly sign: S3Signer['sign']; readonly signHere: S3Signer['sign'] },
): DirectBytes => {
  const present = async (path: string) => ((await objects.stored(path)) === undefined ? undefined : sign('GET', path));
  let safe: Promise<boolean> | undefined;

  /** Bytes that are not those that the address was made for. */
  const refusesOthers = async (): Promise<boolean> => {
    const path = `${uploadsPrefix}other-${randomBytes(8).toString('hex')}`;
    const { url, headers } = await signHere('PUT', path, { headers: bound(sha256('these')) });
    try {
      const { ok, status } = await fetch(url, { method: 'PUT', headers, body: 'those' });
      if (status >= 500) throw new ResultsError('RESULTS_UNREACHABLE', `${objects.name} does not answer: ${status}`);
      if (ok) await objects.remove(path);
      return !ok;
    } catch (error) {
      throw s3Error(objects.name, error instanceof TypeError ? error.cause : error, 'RESULTS_UNREADABLE');
    }
  };

  return {
    isSafe: () =>
      (safe ??= refusesOthers().catch((error: unknown) => {
        safe = undefined;
        throw error;
      })),
    tree: async (digest) => present(treePath(digest)),
    cache: (owner, key) => present(cachePath(owner, key)),

    hasTree: async (digest) => {
      const path = treePath(digest);
      const there = await objects.stored(path);
      if (there !== undefined && isOld(there)) await objects.copy(path, path);
      return there !== undefined;
    },

    begin: async (attempt, { bytes, sha256: digest }) => {
      const id = `${digest}-${randomBytes(16).toString('hex')}`;
      const headers = { ...bound(digest), 'content-length': String(bytes) };
      return { id, address: await sign('PUT', uploadPath(attempt, id), { headers }) };
    },

    keep: async (attempt, id, as) => {
      const from = uploadPath(attempt, id);
      if (as.kind === 'tree' && !id.startsWith(`${as.digest}-`)) {
        throw new ResultsError('RESULTS_UNWRITABLE', `The upload ${id} is not the tree ${as.digest}.`);
      }
      if ((await objects.stored(from)) === undefined) return 'gone';
      const to = goalOf(attempt, as);
      if (as.kind !== 'tree' || (await objects.stored(to)) === undefined) await objects.copy(from, to);
      await objects.remove(from);
      return 'kept';
    },
  };
};

const goalOf = ({ run, stage }: AttemptKey, as: UploadAs): string => {
  switch (as.kind) {
    case 'tree':
      return treePath(as.digest);
    case 'cache':
      return cachePath(as.owner, as.key);
    case 'artifacts':
      return objectPath(run, zipName(logOwner({ stage, ...(as.part === undefined ? {} : { part: as.part }) })));
  }
};

/** Of one attempt alone. */
const uploadPath = ({ run, stage, attempt }: AttemptKey, id: string): string => {
  if (!isPlainName(run) || !/^[0-9a-f]{64}-[0-9a-f]{32}$/.test(id)) {
    throw new ResultsError('RESULTS_UNWRITABLE', `${JSON.stringify(id)} is no upload.`);
  }
  return `${uploadsPrefix}${run}/${sha256(JSON.stringify([stage, attempt]))}/${id}`;
};

/** What binds a body: the one that all kinds of S3 check, and the one that Amazon documents. */
const bound = (digest: string): Readonly<Record<string, string>> => ({
  'x-amz-content-sha256': digest,
  'x-amz-checksum-sha256': Buffer.from(digest, 'hex').toString('base64'),
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
