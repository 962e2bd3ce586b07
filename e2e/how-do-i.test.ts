import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { root } from '../scripts/setup/root.mjs';
import { programPath } from '../src/runtimes/docker/testing/program-path.ts';
import { whyNoRegistry, withRegistry } from '../src/runtimes/docker/testing/registry.ts';
import { cion as anyCion } from './cli.ts';
import { addressForContainers, archiveOf, buildImage, engineSocket, inspect, runContainer } from './engine.ts';
import { forwardedSocket } from './forwarded-socket.ts';
import { machineImage } from './machine-image.ts';
import { withNpmRegistry } from './npm-registry.ts';
import { commit, directory, repository } from './repository.ts';

/** Every recipe of examples/how-do-i is run as it stands there; only its images have other names, for they are made on this machine. */
const namespace = `recipes-${process.pid}`;
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const cion = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  anyCion(args, { cwd, env: { CION_NAMESPACE: namespace, ...env } });

let images: Readonly<Record<string, string>> = {};
before(async () => {
  const name = `cion-e2e/node-${process.pid}`;
  const node = await machineImage(suite, name, programPath('docker') === undefined ? [] : ['docker']);
  const aws = await buildImage(suite, `cion-e2e/aws-${process.pid}`, archiveOf(join(root, 'e2e/stand-ins/aws')));
  images = { 'node:24-slim': node, 'docker:cli': node, 'pebbletech/docker-aws-cli': aws };
});
after(async () => {
  await cion(tmpdir(), ['clean', '--all-projects']);
  for (const undo of undone) await undo();
});

const recipe = (t: TestContext, name: string, others: Readonly<Record<string, string>> = {}): string => {
  const cwd = repository(t);
  cpSync(join(root, 'examples/how-do-i', name), cwd, { recursive: true });
  const file = join(cwd, '.cion.yml');
  const text = Object.entries({ ...images, ...others }).reduce((text, [from, to]) => text.replaceAll(`image: ${from}\n`, `image: ${to}\n`), readFileSync(file, 'utf8'));
  writeFileSync(file, text);
  commit(cwd);
  return cwd;
};

const outcomes = async (cwd: string, run = '1'): Promise<Readonly<Record<string, string>>> => {
  type Event = { readonly kind: string; readonly stage?: string; readonly outcome?: string };
  const lines = (await cion(cwd, ['show', run, '--json'])).out.trim().split('\n');
  const ended = lines.flatMap((line): [string, string][] => {
    const { kind, stage = '', outcome = '' } = JSON.parse(line) as Event;
    if (kind === 'stage.finished') return [[stage, outcome]];
    return kind === 'stage.skipped' ? [[stage, 'skipped']] : [];
  });
  return Object.fromEntries(ended);
};

const logOf = async (cwd: string, stage: string): Promise<string> => (await cion(cwd, ['logs', 'last', stage])).out;

/** Every byte below a folder, and all that the stages left in their zips. */
const stored = async (t: TestContext, cwd: string): Promise<string> => {
  const extracted = directory(t);
  await cion(cwd, ['artifacts', 'last', '--extract', extracted]);
  return [join(cwd, '.cion'), extracted]
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
    .filter((path) => statSync(path).isFile())
    .map((path) => `${path}\n${readFileSync(path, 'latin1')}`)
    .join('\n');
};

const isNowhereIn = (text: string, ...secrets: readonly string[]): void => {
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex'), encodeURIComponent(secret)]) {
      assert.ok(!text.includes(form), `the secret is there: …${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form))}`);
    }
  }
};

/** What the engine tells about the containers, volumes and events of this file, and what lies in the containers' files. */
const engineRecords = async (since: number): Promise<string> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`cion.namespace=${namespace}`] }));
  const containers = await inspect<readonly { readonly Id: string; readonly State: string }[]>(`/containers/json?all=1&filters=${filters}`);
  const running = containers.filter(({ State }) => State === 'running');
  const texts = await Promise.all([
    ...containers.map(({ Id }) => inspectText(`/containers/${Id}/json`)),
    ...containers.map(({ Id }) => inspectText(`/containers/${Id}/logs?stdout=1&stderr=1`)),
    ...running.map(({ Id }) => inspectText(`/containers/${Id}/top?ps_args=-eo%20pid,args`)),
    ...containers.flatMap(({ Id }) => ['/root', '/cion', '/tmp'].map((path) => filesText(`/containers/${Id}/archive?path=${path}`))),
    inspectText(`/volumes?filters=${filters}`),
    inspectText(`/events?since=${since}&until=${Math.ceil(Date.now() / 1000)}&filters=${filters}`),
  ]);
  return texts.join('\n');
};
