import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { reference } from '../../plan/stage.ts';
import { newCase, script, throwsCode } from '../contract/case.contract.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';

/** The three answers of a registry that matter here, on an address that engines take without TLS. */
const registry = async () => {
  const server = createServer((request, response) => {
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    const say = (status: number, code: string): void => {
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replace('_', ' ') }] }));
    };
    if (request.url === '/v2/') response.end('{}');
    else if (request.url?.startsWith('/v2/private/') === true) say(401, 'UNAUTHORIZED');
    else if (request.url?.startsWith('/v2/broken/') === true) say(500, 'UNKNOWN');
    else say(404, 'MANIFEST_UNKNOWN');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { host: `127.0.0.1:${address.port}`, server };
};

test('what the registry says decides the code', async (t) => {
  const subject = await dockerSubject(findEndpoint(process.env), process.env);
  const { host, server } = await registry();
  const { item, prepare, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const pulling = (name: string) => prepare(item({ ...script('true'), image: reference(`${host}/${name}`) }));
  try {
    await throwsCode(pulling('no/such:1'), 'IMAGE_NOT_FOUND', /no\/such:1/);
    await throwsCode(pulling('private/image:1'), 'IMAGE_DENIED', /private\/image:1/);
    await throwsCode(pulling('broken/image'), 'IMAGE_PULL_FAILED', /broken\/image:latest/);
  } finally {
    await runtime.sweep({ kind: 'run', run }, signal);
    await subject.close();
    server.close();
    server.closeAllConnections();
  }
});
