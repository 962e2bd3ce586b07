import { systemClock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import type { CompiledTree, PrintedBy } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { imagePrinter } from '../image-printer.ts';
import { type OpenRuntime, openRuntime } from './open-runtime.ts';

type Compile = (printedBy?: PrintedBy) => Promise<CompiledTree | undefined>;

const patienceMs = 10 * 60_000;

/** Compiles a text that nothing is run for; images that print a part of it are run where there is an engine, else it is told that they are missing. */
export const withPackages = async (context: Context, compile: Compile): Promise<CompiledTree | undefined> => {
  const tree = await compile();
  if (tree === undefined || tree.compiled.ok || tree.compiled.wantsImages === undefined) return tree;
  const signal = AbortSignal.timeout(patienceMs);
  const opened = await openRuntime({ runtime: 'docker' }, context, signal).catch((): OpenRuntime | undefined => undefined);
  if (opened === undefined) return tree;
  const runtime = async (): Promise<Runtime> => opened.runtime;
  try {
    return await compile(imagePrinter({ runtime, run: newRunId(systemClock.now()), project: 'plan', signal, log: () => undefined }));
  } finally {
    await opened.close();
  }
};
