import { randomBytes } from 'node:crypto';
import type { ContractSubject } from '../../contract/case.contract.ts';
import { dockerRuntime } from '../docker-runtime.ts';
import { connect } from '../engine/connect.ts';
import type { Environment } from '../engine/docker-config.ts';
import type { Endpoint } from '../engine/endpoint.ts';
import { label, labelFilter } from '../labels.ts';
import { imageOf } from '../pause-image.ts';
import { executable } from '../pause-program.ts';

/** Docker at this endpoint as the contract's suite wants it, in a namespace of its own. */
export const dockerSubject = async (endpoint: Endpoint, env: Environment): Promise<ContractSubject & { readonly namespace: string }> => {
  const signal = AbortSignal.timeout(30_000);
  const engine = await connect(endpoint, signal);
  const namespace = `cion-test-${randomBytes(4).toString('hex')}`;
  const runtime = dockerRuntime({ engine, namespace, env });
  const imageWithoutShell = `${namespace}/shellless:latest`;
  const query = { fromSrc: '-', repo: `${namespace}/shellless`, tag: 'latest', changes: ['ENTRYPOINT ["/exit42"]'] };
  for await (const _ of engine.progress('POST', '/images/create', { query, body: imageOf('exit42', exiting42()), signal }));

  const namesOf = async (path: string, run: string): Promise<readonly string[]> => {
    const filters = labelFilter({ [label.namespace]: namespace, [label.run]: run });
    const answer = await engine.json<Listed>('GET', path, { query: { filters, all: path !== '/images/json' } });
    const things = 'Volumes' in answer ? (answer.Volumes ?? []) : answer;
    return things.map((thing) => thing.Name ?? thing.Names?.[0] ?? thing.RepoTags?.[0] ?? 'nameless');
  };

  return {
    namespace,
    runtime,
    another: () => dockerRuntime({ engine, namespace, env }),
    image: 'busybox:latest',
    imageWithoutShell,
    left: async (run) =>
      (await Promise.all(['/containers/json', '/images/json', '/volumes', '/networks'].map((path) => namesOf(path, run)))).flat(),
    records: async (container) => JSON.stringify(await engine.json('GET', `/containers/${container}/json`)),
    imageRecords: async (reference) =>
      JSON.stringify(await Promise.all(['json', 'history'].map((what) => engine.json('GET', `/images/${reference}/${what}`)))),
    removeImages: async (references) => {
      for (const each of references) await engine.json('DELETE', `/images/${each}`);
    },
    close: async () => {
      await runtime.sweep({ kind: 'all', exceptRuns: [] }, AbortSignal.timeout(60_000));
      await runtime.sweep({ kind: 'caches' }, AbortSignal.timeout(60_000));
      await engine.json('DELETE', `/images/${imageWithoutShell}`);
      await engine.close();
    },
  };
};

type Thing = { readonly Name?: string; readonly RepoTags?: readonly string[] | null; readonly Names?: readonly string[] };
type Listed = readonly Thing[] | { readonly Volumes: readonly Thing[] | null };

/** A program that does nothing else. */
export const exiting42 = (): Buffer =>
  process.arch === 'arm64'
    ? executable(183, Buffer.from('400580d2a80b80d2010000d4', 'hex'))
    : executable(62, Buffer.from('bf2a000000b83c0000000f05', 'hex'));
