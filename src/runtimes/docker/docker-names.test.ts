import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { newCase, script, tarOf } from '../contract/case.contract.ts';
import { dockerRuntime } from './docker-runtime.ts';
import { connect } from './engine/connect.ts';
import { EngineError } from './engine/engine-error.ts';
import { findEndpoint } from './engine/endpoint.ts';
import type { Engine } from './engine/engine.ts';
import { dockerSubject } from './testing/contract-subject.ts';

/** As it answers while a container of that name is being made for somebody who has died, and then is not. */
const withNameTaken = (engine: Engine, times: number): Engine => {
  let refused = 0;
  return {
    ...engine,
    json: (method, path, options) => {
      const isHelper = path === '/containers/create' && String(options?.query?.['name']).endsWith('_files');
      if (!isHelper || refused === times) return engine.json(method, path, options);
      refused++;
      return Promise.reject(new EngineError('refused', 'Conflict. The container name is already in use', { status: 409 }));
    },
  };
};

test('a volume whose helper somebody was killed at making gets one, though its name leads nowhere at first', async (t) => {
  const endpoint = findEndpoint(process.env);
  const engine = await connect(endpoint, AbortSignal.timeout(30_000));
  const subject = await dockerSubject(endpoint, process.env);
  const { run, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  try {
    const runtime = dockerRuntime({ engine: withNameTaken(engine, 3), namespace: subject.namespace, env: process.env });
    await runtime.write({ run, volume: 'v' }, tarOf({ name: 'a', content: 'there' }), signal);
    assert.match(String(await (await runtime.read({ run, volume: 'v' }, signal))?.toArray()), /there/);
  } finally {
    await subject.close();
    await engine.close();
  }
});

test('a volume that is swept while something is about to mount it is found by the next sweep', async (t) => {
  const endpoint = findEndpoint(process.env);
  const engine = await connect(endpoint, AbortSignal.timeout(30_000));
  const subject = await dockerSubject(endpoint, process.env);
  const { item, run, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  try {
    const removed: Engine = {
      ...engine,
      json: async (method, path, options) => {
        if (path === '/containers/create') {
          const { Volumes } = await engine.json<{ readonly Volumes: readonly { readonly Name: string }[] | null }>('GET', '/volumes');
          for (const { Name } of Volumes ?? []) if (Name.includes(run)) await engine.json('DELETE', `/volumes/${Name}`).catch(() => {});
        }
        return engine.json(method, path, options);
      },
    };
    const runtime = dockerRuntime({ engine: removed, namespace: subject.namespace, env: process.env });
    const mounts = [{ kind: 'volume', volume: 'v', path: '/v', access: 'read-write' }] as const;
    await runtime.prepare(item({ ...script('true'), mounts }), () => {}, signal);
    await runtime.write({ run, volume: 'w' }, tarOf({ name: 'a', content: 'there' }), signal);
    await subject.runtime.sweep({ kind: 'run', run }, signal);
    const { Volumes } = await engine.json<{ readonly Volumes: readonly { readonly Name: string }[] | null }>('GET', '/volumes');
    assert.deepEqual(
      (Volumes ?? []).map(({ Name }) => Name).filter((name) => name.includes(run)),
      [],
    );
  } finally {
    await subject.close();
    await engine.close();
  }
});
