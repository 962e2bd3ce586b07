import type { Stage } from '../../plan/plan.ts';
import type { RuntimeErrorCode } from '../runtime-error.ts';

/** What a stage of the fake runtime does, read from its literal env (see fake-runtime.ts). */
export type Program = {
  readonly prepareMs: number;
  readonly prepareError?: RuntimeErrorCode;
  readonly startError?: RuntimeErrorCode;
  readonly stdout: string;
  readonly stderr: string;
  readonly printEnv: boolean;
  readonly printFile?: string;
  readonly writes: Readonly<Record<string, string>>;
  readonly sleepMs: number;
  readonly exit: number;
  readonly oom: boolean;
  readonly ignoresStop: boolean;
};

export const programOf = (stage: Stage): Program => {
  const text = (name: string): string | undefined => {
    const value = stage.env[name];
    return value?.kind === 'literal' ? value.value : undefined;
  };
  const oom = text('FAKE_OOM') !== undefined;
  const prepareError = text('FAKE_PREPARE_ERROR');
  const startError = text('FAKE_START_ERROR');
  const printFile = text('FAKE_PRINT_FILE');
  return {
    prepareMs: Number(text('FAKE_PREPARE_MS') ?? 0),
    ...(prepareError === undefined ? {} : { prepareError: prepareError as RuntimeErrorCode }),
    ...(startError === undefined ? {} : { startError: startError as RuntimeErrorCode }),
    stdout: text('FAKE_STDOUT') ?? '',
    stderr: text('FAKE_STDERR') ?? '',
    printEnv: text('FAKE_PRINT_ENV') !== undefined,
    ...(printFile === undefined ? {} : { printFile }),
    writes: JSON.parse(text('FAKE_WRITE') ?? '{}') as Record<string, string>,
    sleepMs: Number(text('FAKE_SLEEP_MS') ?? 0),
    exit: Number(text('FAKE_EXIT') ?? (oom ? 137 : 0)),
    oom,
    ignoresStop: text('FAKE_IGNORE_STOP') !== undefined,
  };
};
