import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/**
 * How a store is reached. Without `endpoint` it is AWS. What is not given is looked for as all AWS tools do: variables of the environment,
 * `AWS_PROFILE` in `~/.aws`, the role of the machine.
 */
export type S3Connection = {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** How often a request is tried. */
  readonly attempts?: number;
  /** How long a store may say nothing. */
  readonly silentMs?: number;
};

const connectMs = 5000;
export const usualSilentMs = 20_000;
/** What S3 takes for the region where nobody says one. */
const anyRegion = 'us-east-1';

export const s3Client = async ({ endpoint, region, credentials, attempts, silentMs }: S3Connection): Promise<S3Client> => {
  const config: S3ClientConfig = {
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: attempts ?? 3,
    requestHandler: { connectionTimeout: connectMs, socketTimeout: silentMs ?? usualSilentMs },
    ...(endpoint === undefined
      ? { followRegionRedirects: true }
      : {
          endpoint,
          forcePathStyle: true,
          // Stores other than AWS do not know the newer checksums.
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
  };
  if (region !== undefined) return new S3Client({ ...config, region });
  const client = new S3Client(config);
  const isKnown = await client.config.region().then(
    () => true,
    () => false,
  );
  if (isKnown) return client;
  client.destroy();
  return new S3Client({ ...config, region: anyRegion });
};
