import { describe } from 'node:test';
import { removalContract } from '../removal.contract.ts';
import { s3Objects } from './s3-objects.ts';
import { s3CacheShelf, s3RemoveResults, s3TreeShelf } from './s3-removal.ts';
import { s3Results } from './s3-results.ts';
import { s3Caches, s3Trees } from './s3-trees.ts';
import { s3Server, users, whyNoS3 } from './testing/s3-server.ts';

describe('removal in S3', { skip: whyNoS3() }, () => {
  removalContract('s3', async () => {
    const server = await s3Server();
    const place = { bucket: await server.bucket(), prefix: 'ci/' };
    const objects = s3Objects(place, { endpoint: server.endpoint, credentials: users.ada });
    return {
      results: s3Results(objects),
      remove: s3RemoveResults(objects),
      trees: s3Trees(objects),
      treeShelf: s3TreeShelf(objects),
      caches: (owner) => s3Caches(objects, owner),
      cacheShelf: s3CacheShelf(objects),
      close: async () => {
        await objects.close();
        server.close();
      },
    };
  });
});
