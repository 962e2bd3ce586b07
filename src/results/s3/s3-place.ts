/** Where in S3 the results are: keys begin with `prefix`, which is empty or ends in `/`. */
export type S3Place = { readonly bucket: string; readonly prefix: string };

/** Where the seeds keep them when nothing else is said (R-DCK-93). */
const usualPrefix = 'dockercise/';

/** `s3://bucket` or `s3://bucket/prefix`; `undefined` when the text is neither. */
export const parseS3Place = (text: string): S3Place | undefined => {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/+(.*))?$/.exec(text);
  const [, bucket, path = ''] = match ?? [];
  if (bucket === undefined || /[\p{Cc}]/u.test(path)) return undefined;
  const prefix = path.replace(/\/+$/, '');
  return { bucket, prefix: prefix === '' ? usualPrefix : `${prefix}/` };
};

export const placeText = ({ bucket, prefix }: S3Place): string => `s3://${bucket}/${prefix}`;
