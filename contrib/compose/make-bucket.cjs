'use strict';
// node make-bucket.cjs ENDPOINT BUCKET, in the image of cion: makes the bucket where it is not there yet.
const { createRequire } = require('node:module');
const { BucketAlreadyOwnedByYou, CreateBucketCommand, HeadBucketCommand, S3Client } = createRequire('/opt/cion/node_modules/')('@aws-sdk/client-s3');

const [, , endpoint, Bucket] = process.argv;
const s3 = new S3Client({ endpoint, forcePathStyle: true });

const make = async () => {
  const isThere = await s3.send(new HeadBucketCommand({ Bucket })).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await s3.send(new CreateBucketCommand({ Bucket }));
  process.stdout.write(`made the bucket ${Bucket}\n`);
};

make().catch((error) => {
  if (error instanceof BucketAlreadyOwnedByYou) return;
  process.stderr.write(`the bucket ${Bucket} cannot be made: ${error.message}\n`);
  process.exitCode = 1;
});
