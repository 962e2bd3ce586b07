import type { S3Client } from '@aws-sdk/client-s3';
import type { SignedAddress } from '../direct-bytes.ts';
import { s3Client, type S3Connection } from './s3-client.ts';
import { s3Error } from './s3-error.ts';
import { placeText, type S3Place } from './s3-place.ts';
import { encoded, signedAddress, type ToSign } from './signed-address.ts';

/** Signs addresses of objects by their path below the place's prefix. */
export type S3Signer = {
  sign(method: ToSign['method'], path: string, more?: Pick<ToSign, 'query' | 'headers'>): Promise<SignedAddress>;
  close(): Promise<void>;
};

/** With temporary credentials an address ends when these do, if that is sooner. */
export const s3Signer = (
  place: S3Place,
  connection: S3Connection,
  { now, seconds }: { now(): number; readonly seconds: number },
): S3Signer => {
  let connecting: Promise<S3Client> | undefined;
  return {
    sign: async (method, path, { query = {}, headers = {} } = {}) => {
      try {
        const { config } = await (connecting ??= s3Client(connection));
        const [region, key] = await Promise.all([config.region(), config.credentials()]);
        const where = { Bucket: place.bucket, Region: region };
        const { url } = config.endpointProvider(
          connection.endpoint === undefined ? where : { ...where, Endpoint: connection.endpoint, ForcePathStyle: true },
        );
        const at = now();
        const object = (place.prefix + path).split('/').map(encoded).join('/');
        const signed = signedAddress(
          { method, origin: url.origin, path: `${url.pathname.replace(/\/$/, '')}/${object}`, query, headers },
          { key, region, at, seconds },
        );
        return { url: signed, headers, until: at + seconds * 1000 };
      } catch (error) {
        throw s3Error(placeText(place), error, 'RESULTS_UNREADABLE');
      }
    },
    close: async () => (await connecting?.catch(() => undefined))?.destroy(),
  };
};
