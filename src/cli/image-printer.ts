import { setTimeout as delay } from 'node:timers/promises';
import { type Parsed, parsed } from '../plan/problem.ts';
import { printingStage, printsWithinMs } from '../plan/printing.ts';
import { mostPrintedBytes, notPrinted, toldBytes, tooSlow } from '../planning/not-printed.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
import type { Item, Runtime } from '../runtimes/runtime.ts';
import type { PrintedBy } from '../planning/compile-tree.ts';

export type ImagePrinterDeps = {
  /** Asked for only when there is an image to run. */
  readonly runtime: () => Promise<Runtime>;
  readonly run: string;
  readonly project: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
};

/**
 * Runs an image with its own command, once, as an attempt of the run's step `fetch`; what it writes to stdout is the answer (R-DCK-55).
 * Nothing else of the run is there yet, so that all of it is removed afterwards.
 */
export const imagePrinter = ({ runtime: opening, run, project, signal, log }: ImagePrinterDeps): PrintedBy => {
  let attempt = 0;
  return async (image) => {
    const runtime = await opening();
    const item: Item = { run, project, stage: printingStage('fetch', image), attempt: ++attempt };
    const patience = new AbortController();
    const until = AbortSignal.any([signal, patience.signal]);
    const timer = delay(printsWithinMs, undefined, { signal: until, ref: false }).then(
      () => patience.abort(),
      () => undefined,
    );
    try {
      log(`running ${image} for the stages that it prints`);
      return await printed(runtime, item, image, until);
    } catch (error) {
      if (patience.signal.aborted) return notPrinted(image, tooSlow(printsWithinMs));
      if (error instanceof RuntimeError && error.code.startsWith('IMAGE_')) return notPrinted(image, 'cannot be had', error.message);
      throw error;
    } finally {
      patience.abort();
      await timer;
      await runtime.sweep({ kind: 'run', run }, new AbortController().signal);
    }
  };
};

const printed = async (runtime: Runtime, item: Item, image: string, signal: AbortSignal): Promise<Parsed<Uint8Array>> => {
  await runtime.prepare(item, () => undefined, signal);
  const execution = await runtime.start(item, { env: {}, serviceEnv: {}, files: [] }, signal);
  const stdout: Uint8Array[] = [];
  let size = 0;
  let errors = Buffer.alloc(0);
  for await (const { stream, bytes } of execution.logs({ stdout: 0, stderr: 0 }, signal)) {
    if (stream === 'stderr') errors = Buffer.concat([errors, bytes]).subarray(-toldBytes);
    else if (size <= mostPrintedBytes) stdout.push(bytes);
    if (stream === 'stdout') size += bytes.length;
  }
  const { code } = await execution.exit;
  if (code !== 0) return notPrinted(image, `ended with exit code ${code}`, errors.toString('utf8').trim());
  // One byte more, so that who reads it refuses it.
  return parsed(Buffer.concat(stdout).subarray(0, mostPrintedBytes + 1));
};
