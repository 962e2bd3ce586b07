import { createHash, createHmac } from 'node:crypto';

export type SigningKey = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

export type ToSign = {
  readonly method: 'GET' | 'PUT';
  /** `https://host`, `http://host:9000`. */
  readonly origin: string;
  /** Percent-encoded, as it is sent. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Who uses the address has to send them just so; names in small letters. */
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * An address that S3 takes without credentials: for that method, path, query and those headers alone, from `at` (epoch ms) on for so many seconds (AWS
 * Signature Version 4 in the query; atk-45). The body is bound where its SHA-256 is among the headers, as `x-amz-content-sha256`.
 */
export const signedAddress = (
  { method, origin, path, query = {}, headers = {} }: ToSign,
  { key, region, at, seconds }: { readonly key: SigningKey; readonly region: string; readonly at: number; readonly seconds: number },
): string => {
  const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const signed = Object.entries({ host: new URL(origin).host, ...headers }).toSorted(byName);
  const names = signed.map(([name]) => name).join(';');
  const parameters = Object.entries({
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${key.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    ...(key.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': key.sessionToken }),
    'X-Amz-SignedHeaders': names,
  })
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .toSorted(byName)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const lines = signed.map(([name, value]) => `${name}:${value.trim()}\n`).join('');
  const request = [method, path, parameters, lines, names, headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD'].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  const signing = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key.secretAccessKey}`);
  return `${origin}${path}?${parameters}&X-Amz-Signature=${hmac(signing, text).toString('hex')}`;
};

/** As S3 encodes: all but letters, digits and `-._~`. */
export const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);
