import type { Limits } from '../../plan/plan.ts';
import type { Labels } from './labels.ts';

/** What a container is made of, without how its command is let go. */
export type ContainerSpec = {
  readonly name: string;
  /** What messages call it: users know their stages and services, not our containers. */
  readonly title: string;
  readonly image: string;
  readonly labels: Labels;
  readonly argv: readonly string[];
  /** Known before the start. */
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user?: string;
  readonly mounts: readonly EngineMount[];
  readonly limits: Limits;
  /** It is asked something while it runs: its stdin stays open, and is there for whoever attaches. */
  readonly reads?: 'stdin';
  /** Directories of its own for this user, made before it starts; parents first. */
  readonly directories?: { readonly paths: readonly string[]; readonly uid: number; readonly gid: number };
  /** What is said where the image has none. */
  readonly needsShell?: string;
  /** The engine keeps nothing of what it writes. */
  readonly live: boolean;
  readonly privileged: boolean;
  readonly networkMode: string;
  /** Its name in a network of its own kind. */
  readonly alias?: string;
  readonly healthcheck: boolean;
};

export type EngineMount = {
  readonly Type: 'volume' | 'bind';
  /** Absent: a volume of the container's own, gone with it. */
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly VolumeOptions?: { readonly NoCopy: true; readonly Labels?: Labels };
};

/**
 * What an engine gives by default, without MKNOD and NET_RAW (devices and forged packets): package managers, su, sshd and servers that
 * change their user all work.
 */
const capabilities = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID'],
  'SYS_CHROOT',
];

const defaultPids = 4096;

/** A live one that is held keeps waiting when its holder dies, and is found so: without a log it could not say that it was never let go. */
export const createBody = (
  spec: ContainerSpec,
  entrypoint: readonly string[],
  env: Readonly<Record<string, string>>,
  held: boolean,
  keepingDriver: KeepingDriver,
) => {
  const { limits, live, privileged, reads } = spec;
  return {
    Image: spec.image,
    Labels: spec.labels,
    Entrypoint: entrypoint,
    Cmd: [],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: spec.workdir,
    ...(spec.user === undefined ? {} : { User: spec.user }),
    OpenStdin: held || reads !== undefined,
    StdinOnce: held && !live && reads === undefined,
    AttachStdin: held,
    AttachStdout: true,
    AttachStderr: true,
    ...(spec.healthcheck ? {} : { Healthcheck: { Test: ['NONE'] } }),
    HostConfig: {
      NetworkMode: spec.networkMode,
      Mounts: spec.mounts,
      LogConfig: live ? { Type: 'none' } : logConfig(keepingDriver),
      Init: false,
      PidsLimit: limits.pids ?? defaultPids,
      ...(limits.cpus === undefined ? {} : { NanoCpus: Math.round(limits.cpus * 1e9) }),
      ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
      ...(privileged ? { Privileged: true } : { CapDrop: ['ALL'], CapAdd: capabilities, SecurityOpt: ['no-new-privileges'] }),
    },
    ...(spec.alias === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [spec.networkMode]: { Aliases: [spec.alias] } } } }),
  };
};

export type KeepingDriver = 'local' | 'json-file';

/** Large enough not to rotate; see docs/adr/0020-log-driver.md. */
const logConfig = (driver: KeepingDriver) => ({
  Type: driver,
  Config: {
    'max-size': '10g',
    'max-file': '1',
    ...(driver === 'local' ? { compress: 'false' } : {}),
  },
});
