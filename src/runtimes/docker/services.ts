import type { Service } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Item, PrepareNote, Values } from '../runtime.ts';
import { argvOf } from './argv.ts';
import { lateNamesOf, literalsOf } from './known-env.ts';
import type { Box } from './boxes.ts';
import type { Image } from './images.ts';
import type { Parts } from './parts.ts';
import { createNetwork } from './networks.ts';
import { titleOf } from './titles.ts';

/** The services of one item, in a network of its own. Those whose variables are known before the start are up when it is prepared. */
export type Services = {
  network(): Promise<string>;
  start(signal: AbortSignal): Promise<void>;
  /** Starts the others, and waits until they are ready. */
  release(env: Values['serviceEnv']): Promise<void>;
  settled(): Promise<unknown>;
};

export const makeServices = (
  parts: Parts,
  item: Item,
  hold: () => Promise<void>,
  notify: (note: PrepareNote) => void,
  signal: AbortSignal,
): Services => {
  const { engine, names, images, boxes } = parts;
  const waiting: { readonly service: Service; readonly image: Image; readonly box: Box }[] = [];
  let made: Promise<string> | undefined;
  let starting: Promise<void> | undefined;

  const network = (): Promise<string> => {
    made ??= createNetwork(engine, names.networkOf(item), parts.labelsOf(item, 'network'), false);
    return made;
  };

  const make = async (service: Service, runSignal: AbortSignal): Promise<void> => {
    const [image, networkMode] = await Promise.all([images.resolve(item.run, service.image, () => {}, runSignal), network(), hold()]);
    signal.throwIfAborted();
    const spec = {
      name: names.service(item, service.name),
      title: titleOf(service),
      image: image.id,
      labels: parts.labelsOf(item, 'service'),
      argv: argvOf(service.command, image),
      env: literalsOf(service.env),
      workdir: image.workdir,
      mounts: [],
      limits: {},
      live: false,
      privileged: service.privileged,
      networkMode,
      alias: service.name,
      healthcheck: true,
    };
    const late = lateNamesOf(service.env);
    const ready = await boxes.make(spec, image, late, signal);
    if (ready.kind === 'live') throw new RuntimeError('SERVICE_NOT_READY', `${titleOf(service)} is left from another process`);
    if (late.length > 0) waiting.push({ service, image, box: ready.box });
    else await go(service, image, ready.box, spec.env);
  };

  const go = async (service: Service, image: Image, box: Box, env: Readonly<Record<string, string>>): Promise<void> => {
    const { id, watch, tap } = await box.letGo(env, async () => {});
    tap.cut();
    const { hasHealthcheck } = image;
    await parts.readiness(
      service,
      { id, exit: watch.exit, network: names.networkOf(item), hasHealthcheck },
      parts.labelsOf(item, 'probe'),
      signal,
    );
    notify({ kind: 'service-ready', service: service.name });
  };

  return {
    network,
    start: (runSignal) => {
      starting ??= Promise.all(item.stage.services.map((service) => make(service, runSignal))).then(() => {});
      return starting;
    },
    release: async (env) => {
      await Promise.all(
        waiting.splice(0).map(({ service, image, box }) => {
          const given = Object.entries(env[service.name] ?? {}).map(([key, { value }]) => [key, value] as const);
          return go(service, image, box, Object.fromEntries(given));
        }),
      );
    },
    settled: async () => {
      await Promise.allSettled([made, starting]);
      for (const { box } of waiting) box.cut();
    },
  };
};
