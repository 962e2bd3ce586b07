import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { newCase, tarOf } from '../contract/case.contract.ts';
import { dockerRuntime } from './docker-runtime.ts';
import { connect } from './engine/connect.ts';
import { EngineError } from './engine/engine-error.ts';
import { findEndpoint } from './engine/endpoint.ts';
import type { Engine } from './engine/engine.ts';
import { dockerSubject } from './testing/contract-subject.ts';

/** As it answers while a container of that name is being made for somebody who has died, and then is not. */
const withNameTaken = (engine: Engine, times: number): Engine => {
  let left = times;
  return {
    ...engine,
    json: (method, path, options) => {
      if (path === '/containers/create' && String(options?.query?.['name']).endsWith('_files') && left-- > 0) {
        return Promise.reject(new EngineError('refused', 'Conflict. The container name is already in use', { status: 409 }));
      }
      return engine.json(method, path, options);
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
