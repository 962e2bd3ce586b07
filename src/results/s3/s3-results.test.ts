import { describe } from 'node:test';
import { resultsContract } from '../results.contract.ts';
import { s3Objects } from './s3-objects.ts';
import { s3Results } from './s3-results.ts';
import { s3Server, users, whyNoS3 } from './testing/s3-server.ts';

describe('s3Results', { skip: whyNoS3() }, () => {
  resultsContract('s3', async () => {
    const server = await s3Server();
    const place = { bucket: await server.bucket(), prefix: 'dockercise/' };
    const open = () => s3Objects(place, { endpoint: server.endpoint, credentials: users.ada });
    const objects = open();
    return {
      results: s3Results(objects, { pollMs: 20 }),
      another: () => s3Results(objects, { pollMs: 20 }),
      close: async () => {
        await objects.close();
        server.close();
      },
    };
  });
});
