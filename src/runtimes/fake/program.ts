import type { ImageSource } from '../../plan/plan.ts';
import type { RuntimeErrorCode } from '../runtime-error.ts';
import type { Item } from '../runtime.ts';

/** What an item of the fake runtime does, read from its stage's literal env (see fake-runtime.ts). */
export type Program = {
  readonly prepareMs: number;
  readonly prepareError?: RuntimeErrorCode;
  readonly startError?: RuntimeErrorCode;
  readonly commitError?: RuntimeErrorCode;
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

export const programOf = ({ stage, attempt, part }: Item): Program => {
  const text = (name: string): string | undefined => {
    const value = stage.env[part === undefined ? name : name.replace('FAKE_', `FAKE_${part.toUpperCase()}_`)];
    return value?.kind === 'literal' ? value.value : undefined;
  };
  const exits = (text('FAKE_EXIT') ?? '').split(',').filter((code) => code !== '');
  const oom = text('FAKE_OOM') !== undefined;
  const prepareError = text('FAKE_PREPARE_ERROR');
  const startError = text('FAKE_START_ERROR');
  const commitError = text('FAKE_COMMIT_ERROR');
  const printFile = text('FAKE_PRINT_FILE');
  return {
    prepareMs: Number(text('FAKE_PREPARE_MS') ?? 0),
    ...(prepareError === undefined ? {} : { prepareError: prepareError as RuntimeErrorCode }),
    ...(startError === undefined ? {} : { startError: startError as RuntimeErrorCode }),
    ...(commitError === undefined ? {} : { commitError: commitError as RuntimeErrorCode }),
    stdout: text('FAKE_STDOUT') ?? writtenBy(stage.image),
    stderr: text('FAKE_STDERR') ?? '',
    printEnv: text('FAKE_PRINT_ENV') !== undefined,
    ...(printFile === undefined ? {} : { printFile }),
    writes: JSON.parse(text('FAKE_WRITE') ?? '{}') as Record<string, string>,
    sleepMs: Number(text('FAKE_SLEEP_MS') ?? 0),
    exit: Number(exits[attempt - 1] ?? exits.at(-1) ?? (oom ? 137 : 0)),
    oom,
    ignoresStop: text('FAKE_IGNORE_STOP') !== undefined,
  };
};

const writtenBy = (image: ImageSource): string => {
  const [, hex] = image.kind === 'reference' ? (/^fake\.print\/((?:[0-9a-f]{2})+)$/.exec(image.reference) ?? []) : [];
  return Buffer.from(hex ?? '', 'hex').toString('utf8');
};
