import { type MirrorPlace, type MirrorState, mirrorFile, readMirror } from '../../local/mirror-file.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Copies } from '../../results/copies.ts';
import { makeMirror, type Mirror } from '../../results/mirror.ts';
import { mirrored } from '../../results/mirrored.ts';
import type { Results } from '../../results/results.ts';
import { allPaths, indexPath, indexText, outPath, outZip } from '../../results/run-objects.ts';
import type { ResultsError } from '../../results/results-error.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import { Readable } from 'node:stream';
import { buildName } from '../build-directory.ts';
import type { Context } from '../context.ts';
import { describeError } from '../describe-error.ts';
import type { Interrupts } from '../interrupts.ts';
import { type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';

export type ResultsOptions = { readonly results?: string; readonly resultsEndpoint?: string };

/** Where the results of a run are to be copied to, as the options or the environment say. Refuses what is no such place. */
export const askedPlace = async (context: Context, options: ResultsOptions, run: string): Promise<MirrorPlace | undefined> => {
  const url = (options.results ?? (context.env.CION_RESULTS || undefined))?.replaceAll('{build}', buildName(context.env) ?? run);
  const endpoint = options.resultsEndpoint ?? (context.env.AWS_ENDPOINT_URL_S3 || context.env.AWS_ENDPOINT_URL || undefined);
  if (url === undefined) return undefined;
  const { parseS3Place } = await import('../../results/s3/s3-place.ts');
  if (parseS3Place(url) === undefined) {
    throw new Refusal('USAGE', `${JSON.stringify(url)} is no place for results.`, 'Write s3://bucket or s3://bucket/prefix.');
  }
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new Refusal('USAGE', `${JSON.stringify(endpoint)} is no address of an S3 server.`, 'Write http://host:port or https://host.');
  }
  return { url, ...(endpoint === undefined ? {} : { endpoint }) };
};

/** The place of a run that is there already: what an option says, else where it was copied to before, else what the environment says. */
export const placeOf = async (
  context: Context,
  project: Project,
  run: string,
  options: ResultsOptions,
): Promise<{ readonly place: MirrorPlace; readonly known: MirrorState | undefined } | undefined> => {
  const known = readMirror(project.stateDir, run);
  const asked = await askedPlace(context, options, run);
  const place = options.results === undefined ? (known?.place ?? asked) : asked;
  if (place === undefined) return undefined;
  const endpoint = options.resultsEndpoint ?? place.endpoint;
  return { place: { url: place.url, ...(endpoint === undefined ? {} : { endpoint }) }, known };
};

/** The results and the runtime of a run that is carried. */
export type Carried = {
  readonly results: Results;
  /** The run has a plan: its index is copied. What it has made is removed only when its results are elsewhere. */
  planned(runtime: Runtime): Runtime;
};

export type MirroredRun = {
  readonly context: Context;
  readonly project: Project;
  readonly run: string;
  /** Absent: nothing is copied. */
  readonly place: MirrorPlace | undefined;
  readonly interrupts: Pick<Interrupts, 'cancel' | 'force'>;
  say(text: string): void;
};

/** Copies the results of a run elsewhere while it is carried; a copy that fails is told once, kept in mind, and changes nothing else. */
export const withMirror = async <T>(about: MirroredRun, work: (carried: Carried) => Promise<T>): Promise<T> => {
  const { project, run, place } = about;
  if (place === undefined) return work({ results: project.results, planned: (runtime) => runtime });
  const mirror = await openMirror(about, place);
  const settle = () => mirror.settle(patienceOf(about.interrupts));
  try {
    return await work({
      results: mirrored(project.results, mirror),
      planned: (runtime) => {
        mirror.due([indexPath(run)]);
        return {
          ...runtime,
          sweep: async (scope, signal) => {
            if (scope.kind === 'run') await settle();
            return runtime.sweep(scope, signal);
          },
        };
      },
    });
  } finally {
    mirror.due([outPath(run), indexPath(run)]);
    await settle();
    await mirror.close();
  }
};

/** Who cancels a run still wants its results; who presses again, or while only they are awaited, does not. */
const patienceOf = ({ cancel, force }: Pick<Interrupts, 'cancel' | 'force'>): AbortSignal =>
  cancel.aborted ? force : AbortSignal.any([cancel, force]);

/** A mirror of a run's local results that knows what an earlier process left undone. */
export const openMirror = async (about: MirroredRun, place: MirrorPlace): Promise<Mirror> => {
  const { context, project, run, say } = about;
  const known = readMirror(project.stateDir, run);
  const isNew = known?.place.url !== place.url || known.place.endpoint !== place.endpoint;
  const file = mirrorFile(project.stateDir, run);
  const carefully = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      say(`what is still to be uploaded cannot be remembered: ${describeError(error).message}`);
    }
  };
  const warn = (error: ResultsError): void => {
    const { code, message, hint } = describeError(error);
    const profile = context.env.AWS_PROFILE ? ` AWS_PROFILE is ${context.env.AWS_PROFILE}.` : '';
    say(
      `results are kept here, but not all of them are uploaded: ${message} [${code}]\n` +
        `      ${hint ?? ''}${profile} The run does not depend on it; "cion results push" uploads what is missing.`,
    );
  };
  const mirror = makeMirror({
    copies: await openCopies(context, place),
    content: contentOf(project, run),
    memory: { due: (paths) => carefully(() => file.due(paths)), done: (path, isThere) => carefully(() => file.done(path, isThere)) },
    there: isNew ? [] : known.there,
    clock: systemClock,
    warn,
  });
  if (isNew) carefully(() => file.place(place));
  const due = isNew ? await everythingOf(project, run) : known.due;
  if (due.length > 0) mirror.due(due);
  return mirror;
};

const everythingOf = async (project: Project, run: string): Promise<readonly string[]> => {
  const state = await readRun(project, run);
  return state.phase === 'finished' ? allPaths(state) : allPaths(state).filter((path) => path !== outPath(run));
};

const contentOf =
  (project: Project, run: string) =>
  async (path: string): Promise<Readable | undefined> => {
    if (path === indexPath(run)) return Readable.from([Buffer.from(indexText(await readRun(project, run)))]);
    if (path === outPath(run)) return outZip(project.results, await readRun(project, run));
    return project.results.open(run, path.slice(`run/${run}/`.length));
  };

const openCopies = async ({ env }: Context, { url, endpoint }: MirrorPlace): Promise<Copies> => {
  const [{ s3Objects }, { parseS3Place }] = await Promise.all([
    import('../../results/s3/s3-objects.ts'),
    import('../../results/s3/s3-place.ts'),
  ]);
  const place = parseS3Place(url);
  if (place === undefined) throw new Refusal('USAGE', `${JSON.stringify(url)} is no place for results.`);
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  return s3Objects(place, {
    attempts: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region ? { region } : {}),
  });
};
