import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { SignedAddress } from '../direct-bytes.ts';
import { s3Direct, s3Downloads } from './s3-direct.ts';
import { type S3Objects, s3Objects } from './s3-objects.ts';
import { type S3Signer, s3Signer } from './s3-signer.ts';
import { type S3Server, s3Server, users, whyNoS3 } from './testing/s3-server.ts';

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const one = { run: 'run_1', stage: 'build', attempt: 1 };
const aZip = { type: 'application/zip', disposition: 'attachment; filename="build.zip"' };

describe('addresses of objects in S3', { skip: whyNoS3() }, () => {
  let server: S3Server;
  let objects: S3Objects;
  let place: { readonly bucket: string; readonly prefix: string };
  const signers: S3Signer[] = [];
  before(async () => {
    server = await s3Server();
    place = { bucket: await server.bucket(), prefix: 'ci/' };
    objects = s3Objects(place, { endpoint: server.endpoint, credentials: users.ada, attempts: 1 });
  });
  after(async () => {
    await objects.close();
    for (const signer of signers) await signer.close();
    server.close();
  });
  const signerAt = (now = Date.now(), seconds = 60): S3Signer => {
    const signer = s3Signer(place, { endpoint: server.endpoint, credentials: users.ada }, { now: () => now, seconds });
    signers.push(signer);
    return signer;
  };
  const direct = () => s3Direct(objects, { sign: signerAt().sign, signHere: signerAt().sign });
  const put = ({ url, headers }: SignedAddress, body: string): Promise<Response> => {
    const { 'content-length': _own, ...others } = headers;
    return fetch(url, { method: 'PUT', headers: others, body });
  };
  const textAt = async (path: string): Promise<string | undefined> => {
    const found = await objects.get(path);
    return found && (await buffer(found)).toString();
  };

  it('gives an object to whoever has its address, as something to be kept and not shown (atk-46)', async () => {
    await objects.put('run/run_1/a b+ü%.zip', Buffer.from('zip'));
    const address = await s3Downloads(objects, signerAt()).address('run_1', 'a b+ü%.zip', aZip);
    const answer = await fetch(address?.url ?? '');
    assert.equal(await answer.text(), 'zip');
    const shown = ['content-type', 'content-disposition', 'cache-control'].map((name) => answer.headers.get(name));
    assert.deepEqual(shown, ['application/zip', 'attachment; filename="build.zip"', 'private, no-store']);
  });

  it('has no address of what is not there, or of what is no object of a run', async () => {
    const { address } = s3Downloads(objects, signerAt());
    for (const [run, name] of [
      ['run_1', 'none.zip'],
      ['..', 'trees/a.tar'],
      ['run_1', '../run_2/build.zip'],
    ] as const)
      assert.equal(await address(run, name, aZip), undefined);
  });

  it('is good for one object, one method and one way of showing it alone (atk-45, atk-58)', async () => {
    for (const path of ['run/run_1/a.zip', 'run/run_1/b.zip', 'run/run_2/a.zip']) await objects.put(path, Buffer.from(path));
    const { url = '' } = (await s3Downloads(objects, signerAt()).address('run_1', 'a.zip', aZip)) ?? {};
    const changed: readonly (readonly [string, RequestInit?])[] = [
      [url.replace('a.zip?', 'b.zip?')],
      [url.replace('run_1', 'run_2')],
      [url.replace('/ci/', '/other/')],
      [url.replace('attachment', 'inline')],
      [url.replace('application%2Fzip', 'text%2Fhtml')],
      [url.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000')],
      [url.replace(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20990101')],
      [url.replace(/&X-Amz-Signature=.*/, '')],
      [url, { method: 'PUT', body: 'mine' }],
      [url, { method: 'DELETE' }],
      [url, { method: 'POST', body: 'mine' }],
    ];
    for (const [target, init] of changed) {
      const answer = await fetch(target, init);
      assert.ok(answer.status >= 400 && answer.status < 500, `${init?.method ?? 'GET'} ${target}: ${answer.status}`);
    }
    assert.equal(await (await fetch(url)).text(), 'run/run_1/a.zip');
  });

  it('is worth nothing when its time is over (atk-45)', async () => {
    await objects.put('run/run_1/old.zip', Buffer.from('old'));
    const { url = '' } = (await s3Downloads(objects, signerAt(Date.now() - 61_000)).address('run_1', 'old.zip', aZip)) ?? {};
    assert.equal((await fetch(url)).status, 403);
  });

  it('takes the bytes that were announced and no others', async () => {
    const { begin, keep, isSafe } = direct();
    assert.equal(await isSafe(), true);
    const { id, address } = await begin(one, { bytes: 5, sha256: sha256('these') });
    for (const wrong of ['those', 'these and more', '']) assert.notEqual((await put(address, wrong)).status, 200, wrong);
    assert.equal(await keep(one, id, { kind: 'tree', digest: sha256('these') }), 'gone');
    assert.equal((await put(address, 'these')).status, 200);
    await assert.rejects(keep(one, id, { kind: 'tree', digest: sha256('those') }), { code: 'RESULTS_UNWRITABLE' });
    assert.equal(await keep(one, id, { kind: 'tree', digest: sha256('these') }), 'kept');
    assert.equal(await textAt(`trees/${sha256('these')}.tar`), 'these');
    const tree = await direct().tree(`sha256:${sha256('these')}`);
    assert.equal(await (await fetch(tree?.url ?? '')).text(), 'these');
  });

  it('is of no use to another attempt, and what comes late changes nothing that is kept', async () => {
    const { begin, keep } = direct();
    const two = { ...one, attempt: 2 };
    const slow = await begin(one, { bytes: 3, sha256: sha256('old') });
    const fast = await begin(two, { bytes: 3, sha256: sha256('new') });
    assert.equal((await put(fast.address, 'new')).status, 200);
    assert.equal(await keep(two, fast.id, { kind: 'artifacts' }), 'kept');
    assert.equal((await put(slow.address, 'old')).status, 200);
    assert.equal(await textAt('run/run_1/build.zip'), 'new');
    assert.equal(await keep(two, slow.id, { kind: 'artifacts' }), 'gone');
    assert.equal(await keep(two, fast.id, { kind: 'artifacts' }), 'gone');
    assert.equal(await textAt('run/run_1/build.zip'), 'new');
    for (const id of ['', '..', '../../trees/x', `${sha256('a')}-`]) {
      await assert.rejects(keep(two, id, { kind: 'artifacts' }), { code: 'RESULTS_UNWRITABLE' }, id);
    }
  });

  it('makes a tree that is there already as new as if it had just been kept', async () => {
    const digest = sha256('tree');
    await objects.put(`trees/${digest}.tar`, Buffer.from('tree'));
    const [before] = await objects.list(`trees/${digest}`);
    const { wait } = pauses(systemClock);
    while (Math.floor(Date.now() / 1000) === Math.floor((before?.at ?? 0) / 1000)) await wait(20, new AbortController().signal);
    const aged = {
      ...objects,
      stored: async (path: string) => {
        const found = await objects.stored(path);
        return found && { ...found, at: 0 };
      },
    };
    assert.equal(await s3Direct(aged, { sign: signerAt().sign, signHere: signerAt().sign }).hasTree(digest), true);
    const [now] = await objects.list(`trees/${digest}`);
    assert.ok((now?.at ?? 0) > (before?.at ?? 0));
    assert.equal(await textAt(`trees/${digest}.tar`), 'tree');
    assert.equal(await direct().hasTree(sha256('no such tree')), false);
  });

  it('is not safe where a place takes any bytes', async (t) => {
    const careless = createServer((request, answer) => void request.resume().on('end', () => answer.writeHead(200).end())).listen(0);
    await once(careless, 'listening');
    const endpoint = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`;
    const there = s3Objects(place, { endpoint, credentials: users.ada, attempts: 1 });
    const signer = s3Signer(place, { endpoint, credentials: users.ada }, { now: Date.now, seconds: 60 });
    t.after(async () => {
      await Promise.all([there.close(), signer.close()]);
      careless.closeAllConnections();
      careless.close();
    });
    assert.equal(await s3Direct(there, { sign: signer.sign, signHere: signer.sign }).isSafe(), false);
  });
});
