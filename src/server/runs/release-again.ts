import type { Recorder } from '../../engine/recorder.ts';
import { planDigest } from '../../plan/digest.ts';
import type { RunRequests } from '../../store/run-requests.ts';
import { ReleaseError } from './release-error.ts';
import type { ReleaseOf } from './release.ts';

export type ReleaseAgainDeps = { readonly requests: Pick<RunRequests, 'of' | 'keepSecretsFile'>; readonly releaseOf?: ReleaseOf };

/** In place of a fetch: the source and the plan of a recorded release are those of the run, or why they cannot be. */
export const releaseAgain = async (
  { requests, releaseOf }: ReleaseAgainDeps,
  recorder: Pick<Recorder, 'report'>,
  run: string,
  again: { readonly run: string; readonly environment: string },
): Promise<void> => {
  try {
    if (releaseOf === undefined) throw new ReleaseError('RELEASE_UNKNOWN', 'This server runs no release again.');
    const { of, plan } = await releaseOf(again.run, again.environment);
    const secretsFile = (await requests.of(again.run))?.secretsFile;
    if (secretsFile !== undefined) await requests.keepSecretsFile(run, secretsFile);
    const source = of.fetch.source ?? { changedFiles: 0, files: 0, bytes: 0 };
    await recorder.report([
      { kind: 'fetch.started' },
      { kind: 'run.noted', text: `the release of run ${of.number} again` },
      { kind: 'fetch.finished', source },
      ...(of.sourceTree === undefined ? [] : [{ kind: 'source.kept' as const, tree: of.sourceTree, bytes: source.bytes }]),
      // It is no pipeline that turns green: others do not follow it.
      { kind: 'run.planned', plan, digest: planDigest(plan), only: plan.nodes.map(({ name }) => name) },
    ]);
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    await recorder.report([
      { kind: 'fetch.started' },
      { kind: 'fetch.failed', outcome: 'failed', message: error.message, problems: [] },
      { kind: 'run.finished', outcome: 'failed' },
    ]);
  }
};
