/** The parts of the Engine API's answers that are read here. */
export type Created = { readonly Id: string };

export type ContainerRecord = {
  readonly Id: string;
  readonly Image: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null; readonly StopSignal?: string };
  readonly HostConfig: { readonly LogConfig: { readonly Type: string }; readonly NetworkMode: string };
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
};

export type ImageRecord = {
  readonly Id: string;
  readonly RepoDigests: readonly string[] | null;
  readonly RepoTags?: readonly string[] | null;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Os: string;
  readonly RootFS: { readonly Layers: readonly string[] | null };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly User?: string;
    readonly Entrypoint: readonly string[] | null;
    readonly Cmd: readonly string[] | null;
    readonly Env: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>> | null;
    readonly Volumes?: Readonly<Record<string, object>> | null;
    readonly StopSignal?: string;
    readonly Healthcheck?: { readonly Test?: readonly string[] };
  };
};

export type EngineEvent = {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
};

export type ProcessList = { readonly Processes: readonly (readonly string[])[] | null };
