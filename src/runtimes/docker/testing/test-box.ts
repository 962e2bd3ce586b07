import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { newRunId } from '../../../lib/ids.ts';
import type { InternalStep } from '../../../plan/plan.ts';
import { reference, stage } from '../../../plan/stage.ts';
import { registryLogins } from '../../registry-logins.ts';
import type { Item } from '../../runtime.ts';
import type { Created, ImageRecord } from '../api.ts';
import { connect } from '../engine/connect.ts';
import type { Environment } from '../engine/docker-config.ts';
import type { Engine } from '../engine/engine.ts';
import { findEndpoint } from '../engine/endpoint.ts';
import { unlessGone } from '../failures.ts';
import { performInternal, type Performed } from '../internal/perform.ts';
import { label } from '../labels.ts';
import { createNetwork } from '../networks.ts';
import { makeParts, type Parts } from '../parts.ts';
import { removeLabelled } from '../sweep.ts';

export type TestBox = {
  readonly engine: Engine;
  readonly parts: Parts;
  readonly item: Item;
  readonly id: string;
  /** Runs a script in the box; gives its stdout, or throws. */
  sh(script: string): Promise<string>;
  perform(
    what: InternalStep,
    options: Readonly<Record<string, string>>,
    more?: {
      readonly env?: Readonly<Record<string, string>>;
      readonly id?: string;
      readonly signal?: AbortSignal;
      readonly onText?: () => void;
    },
  ): Promise<Performed & { readonly log: string }>;
  image(name: string): Promise<ImageRecord | undefined>;
  /** Runs a container of an image; gives its stdout. */
  runImage(image: string, argv: readonly string[]): Promise<string>;
};

/** A busybox as a stage's box, with a secret in its environment and our label on it; all that it and its steps made is gone afterwards. */
export const withTestBox = async (
  use: (box: TestBox) => Promise<void>,
  env: Environment = {},
  clock: Clock = systemClock,
): Promise<void> => {
  const signal = AbortSignal.timeout(120_000);
  const engine = await connect(findEndpoint(process.env), signal);
  const namespace = `cion-test-${randomBytes(4).toString('hex')}`;
  const parts = makeParts({ engine, namespace, clock, env, logins: registryLogins() });
  const command = { kind: 'steps', variables: [], steps: [], after: [] } as const;
  const item: Item = {
    run: newRunId(Date.now()),
    project: 'boxes',
    attempt: 1,
    stage: stage({ name: 'build', image: reference('busybox:latest'), command }),
  };
  const network = await createNetwork(engine, parts.names.networkOf(item), parts.labelsOf(item, 'network'), false);
  const output = async (container: string, argv: readonly string[]): Promise<string> => {
    const body = { AttachStdout: true, AttachStderr: true, Cmd: argv };
    const { Id } = await engine.json<Created>('POST', `/containers/${container}/exec`, { body, signal });
    const attachment = await engine.attach(`/exec/${Id}/start`, { body: { Detach: false }, signal });
    let text = '';
    for await (const { bytes } of attachment.output) text += bytes.toString();
    attachment.close();
    const { ExitCode } = await engine.json<{ readonly ExitCode: number }>('GET', `/exec/${Id}/json`);
    if (ExitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${ExitCode}:\n${text}`);
    return text;
  };
  const started = async (image: string, more: object): Promise<string> => {
    const body = { Image: image, Entrypoint: ['sleep', '600'], Cmd: [], Labels: parts.labelsOf(item, 'stage'), ...more };
    const { Id } = await engine.json<Created>('POST', '/containers/create', { body, signal });
    await engine.json('POST', `/containers/${Id}/start`, { signal });
    return Id;
  };
  let steps = 0;
  try {
    const id = await started('busybox:latest', { Env: ['BOX_SECRET=of-the-box'], HostConfig: { NetworkMode: network } });
    await use({
      engine,
      parts,
      item,
      id,
      sh: (script) => output(id, ['sh', '-c', script]),
      perform: async (what, options, more = {}) => {
        steps += 1;
        let log = '';
        const step = {
          id: more.id ?? `step-${steps}`,
          name: what,
          variables: [],
          timeouts: {},
          action: { kind: 'internal', what, options },
        } as const;
        const performed = await performInternal(step, {
          parts,
          item,
          container: { id, name: id },
          env: more.env ?? {},
          signal: more.signal ?? signal,
          write: async (_stream, bytes) => {
            log += Buffer.from(bytes).toString();
            more.onText?.();
          },
        });
        return { ...performed, log };
      },
      image: (name) => unlessGone(engine.json<ImageRecord>('GET', `/images/${name}/json`, { signal })),
      runImage: async (image, argv) => output(await started(image, { HostConfig: { NetworkMode: network } }), argv),
    });
  } finally {
    await removeLabelled(engine, { [label.namespace]: namespace }, { images: true }, AbortSignal.timeout(60_000));
    await engine.close();
  }
};
