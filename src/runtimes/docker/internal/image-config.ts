import type { ImageConfig } from '../same-layers.ts';
import type { Options } from './options.ts';
import { StepFailure } from './step-failure.ts';

/** The configuration of an image with what the options of a push say in place of it. */
export const configWith = (options: Options, base: ImageConfig): ImageConfig => {
  const [cmd, entrypoint] = [options.argv('cmd'), options.argv('entrypoint')];
  const [workdir, user, stopSignal] = [options.text('working-dir'), options.text('user'), options.text('stopsignal')];
  const ports = options.list('ports').map(portOf);
  const volumes = options.list('volumes').map(volumeOf);
  if (workdir !== undefined && !workdir.startsWith('/')) {
    throw new StepFailure(`the option "working-dir" is ${JSON.stringify(workdir)}, which is no absolute path`);
  }
  return {
    ...base,
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint, Cmd: null }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
    Env: mergedEnv(base.Env ?? [], options.pairs('env').map(envOf)),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(user === undefined ? {} : { User: user }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    ...(ports.length === 0 ? {} : { ExposedPorts: { ...base.ExposedPorts, ...asSet(ports) } }),
    ...(volumes.length === 0 ? {} : { Volumes: { ...base.Volumes, ...asSet(volumes) } }),
    Labels: { ...base.Labels, ...labelsOf(options) },
  };
};

/** Of an image without any of its own. */
export const emptyConfig: ImageConfig = { Labels: null, Entrypoint: null, Cmd: null, Env: null };

export const labelsOf = (options: Options): Readonly<Record<string, string>> =>
  Object.fromEntries(
    options.pairs('labels').map(([name, value]) => {
      if (value === undefined || name === '') {
        throw new StepFailure(`the label ${JSON.stringify(name)} is not of the form label=value`);
      }
      return [name, value];
    }),
  );

type Pair = readonly [name: string, value: string];

const envOf = ([name, value]: readonly [string, string | undefined]): Pair => {
  if (value === undefined || name === '') throw new StepFailure(`the option "env" has ${JSON.stringify(name)}, which is not NAME=value`);
  return [name, value];
};

export const envPairs = (options: Options): Readonly<Record<string, string>> => Object.fromEntries(options.pairs('env').map(envOf));

const mergedEnv = (base: readonly string[], more: readonly Pair[]): readonly string[] => {
  const names = new Set(more.map(([name]) => name));
  return [
    ...base.filter((entry) => !names.has(entry.split('=', 1)[0] ?? '')),
    ...[...new Map(more)].map(([name, value]) => `${name}=${value}`),
  ];
};

const portOf = (text: string): string => {
  const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new StepFailure(`the port ${JSON.stringify(text)} is no number from 1 to 65535, with /tcp or /udp after it or nothing`);
  }
  return `${Number(port)}/${protocol}`;
};

const volumeOf = (text: string): string => {
  if (!text.startsWith('/')) throw new StepFailure(`the volume ${JSON.stringify(text)} is no absolute path in the image`);
  return text;
};

const asSet = (names: readonly string[]): Readonly<Record<string, object>> => Object.fromEntries(names.map((name) => [name, {}]));
