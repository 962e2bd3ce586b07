import { stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { downloader } from '../../steps/download.ts';
import { packStep } from '../../steps/pack-step.ts';
import { publishStep } from '../../steps/publish-step.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { printProblems } from '../print-problems.ts';
import { plural, size } from '../../lib/quantities.ts';
import { Refusal } from '../refusal.ts';
import { registryAddress, type StepOptions } from './open-steps.ts';

const maxMs = 10 * 60_000;

/** Checks a step's directory and writes its tar.gz. */
export const stepPack = async (context: Context, directory: string, options: { readonly out?: string }): Promise<ExitCode> => {
  const packed = await packStep(await directoryOf(context, directory));
  if (!packed.ok) {
    await printProblems(context, packed.problems, []);
    return exitCodes.refused;
  }
  const { manifest, archive, sha256, files } = packed.value;
  const out = options.out ?? `${manifest.name}-${manifest.version}.tar.gz`;
  await writeFile(resolve(context.cwd, out), archive);
  context.stdout.write(
    `${out}: ${manifest.name} ${manifest.version}, ${plural(files, 'file')}, ${size(archive.length)}, sha256:${sha256}\n`,
  );
  return exitCodes.passed;
};

export type PublishStepOptions = StepOptions & { readonly owner?: string; readonly private?: true };

/** Checks a step's directory and hands it to a registry. */
export const stepPublish = async (context: Context, directory: string, options: PublishStepOptions): Promise<ExitCode> => {
  const registry = registryAddress(context, options);
  if (registry === undefined) throw new Refusal('USAGE', 'Which registry?', 'Give its address with --steps-registry or STEPS_REGISTRY.');
  const token = context.env.STEPS_REGISTRY_TOKEN;
  if (!token) throw new Refusal('USAGE', 'A registry takes steps from those it knows.', 'Give your token in STEPS_REGISTRY_TOKEN.');
  const packed = await packStep(await directoryOf(context, directory));
  const { owner, private: isPrivate = false } = options;
  const signal = AbortSignal.timeout(maxMs);
  const done = packed.ok
    ? await publishStep(packed.value, {
        registry,
        token,
        isPrivate,
        download: downloader(systemClock),
        signal,
        ...(owner === undefined ? {} : { owner }),
      })
    : packed;
  if (!packed.ok || !done.ok) {
    await printProblems(context, done.ok ? [] : done.problems, []);
    return exitCodes.refused;
  }
  const { manifest, sha256 } = packed.value;
  context.stdout.write(`published ${manifest.name} ${manifest.version} sha256:${sha256}\n`);
  return exitCodes.passed;
};

const directoryOf = async ({ cwd }: Context, directory: string): Promise<string> => {
  const place = resolve(cwd, directory);
  if ((await stat(place).catch(() => undefined))?.isDirectory()) return place;
  throw new Refusal('DIRECTORY_MISSING', `There is no directory ${place}.`);
};
