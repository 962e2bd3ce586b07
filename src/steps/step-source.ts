import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { FetchedStep } from '../dialects/dialect.ts';
import { didYouMean, nearestWord } from '../lib/did-you-mean.ts';
import type { Clock } from '../lib/clock.ts';
import type { LocalTreeStore } from '../local/tree-store.ts';
import { type Parsed, type Problem, parsed, refused } from '../plan/problem.ts';
import { builtinNames, builtinStep } from './builtin-steps.ts';
import { type Downloader, withoutUser } from './download.ts';
import { readStepDirectory } from './read-step-directory.ts';
import { stepCode, unsafeStep } from './step-code.ts';
import type { StepFiles } from './step-entries.ts';
import type { IndexedStep, StepIndex } from './step-index.ts';
import { isExact, ourOwner, parseStepReference, type StepReference } from './step-reference.ts';
import { type FoundStep, mostArchiveBytes, notHad, type StepRegistry } from './step-registry.ts';
import { tarOfStep } from './tar-of-step.ts';
import { unpackStep } from './unpack-step.ts';

/** `production`: only steps of ours and of the registry (R-WRK-117, R-WRK-118). `directories` false: `project` is no project, and nothing in it is a step. */
export type StepPolicy = { readonly production: boolean; readonly directories?: false };

export type StepSourceDeps = {
  /** Where `file://` begins; a step's directory lies in it. */
  readonly project: string;
  readonly trees: LocalTreeStore;
  readonly index: StepIndex;
  /** Absent: nothing is asked over the network for a name. */
  readonly registry?: StepRegistry;
  readonly download: Downloader;
  readonly policy: StepPolicy;
  readonly clock: Clock;
  /** A line for people: what was fetched, and what was not as it should be. */
  readonly note: (line: string) => void;
};

/**
 * Gets the code of steps, keeps it as a tree and says what a plan wants to know of it. Whatever keeps a step from being had is a Problem
 * without a place. Calls may overlap. What has an exact version is asked for once and never again; everything else once in the life of
 * a source, and when its server does not answer, what was had last is taken.
 */
export type StepSource = { fetch(reference: string, signal: AbortSignal): Promise<Parsed<FetchedStep>> };

export const stepSource = (deps: StepSourceDeps): StepSource => {
  const asked = new Map<string, Promise<Parsed<FetchedStep>>>();
  return {
    fetch: (reference, signal) => {
      const known = asked.get(reference);
      if (known !== undefined) return known;
      const answer = fetchStep(deps, reference, signal);
      asked.set(reference, answer);
      return answer;
    },
  };
};

const fetchStep = async (deps: StepSourceDeps, text: string, signal: AbortSignal): Promise<Parsed<FetchedStep>> => {
  const reference = parseStepReference(text);
  if (!reference.ok) return reference;
  const step = reference.value;
  const fetched = await fetchParsed(deps, step, signal);
  if (fetched.ok) deps.note(`step ${nameOf(fetched.value)} sha256:${fetched.value.tree}`);
  return fetched;
};

const fetchParsed = (deps: StepSourceDeps, step: StepReference, signal: AbortSignal): Promise<Parsed<FetchedStep>> => {
  switch (step.kind) {
    case 'named':
      return named(deps, step, signal);
    case 'directory':
      return deps.policy.production || deps.policy.directories === false ? notAllowed(step, 'a local directory') : directory(deps, step);
    case 'archive':
      return deps.policy.production ? notAllowed(step, 'an address of its own') : archive(deps, step, signal);
  }
};

/** `owner/name@version`, as far as there is one. */
const nameOf = ({ owner, name, version }: Pick<FetchedStep, 'owner' | 'name' | 'version'>): string =>
  `${owner}/${name}${version === undefined ? '' : `@${version}`}`;

const notAllowed = async ({ name }: StepReference, from: string): Promise<Parsed<FetchedStep>> =>
  refused({
    code: 'STEP_NOT_ALLOWED',
    message: `The step ${name} comes from ${from}, which is only for local development.`,
    hint: 'Publish it to a registry ("cion step publish") and name it there.',
  });

/** Ours first for a bare name (R-WRK-26); the registry first for one with an owner or a version. */
const named = async (deps: StepSourceDeps, step: StepReference & { kind: 'named' }, signal: AbortSignal): Promise<Parsed<FetchedStep>> => {
  const { owner = ourOwner, name, version } = step;
  const ours = owner === ourOwner ? await builtinStep(name) : undefined;
  const takeOurs = ours === undefined ? undefined : () => keep(deps, { owner, name, version: ours.version }, ours.files);
  if (takeOurs !== undefined && (deps.registry === undefined || (step.owner === undefined && version === '*'))) {
    if (version !== '*' && version !== ours?.version) deps.note(`step ${owner}/${name}@${version}: without a registry, ours is taken`);
    return takeOurs();
  }
  if (deps.registry === undefined) return fromCacheAlone(deps, { owner, name, version });
  return (
    (await fromRegistry(deps, deps.registry, { owner, name, version }, signal)) ??
    takeOurs?.() ??
    refused(await unknown({ owner, name, version }))
  );
};

type Wanted = { readonly owner: string; readonly name: string; readonly version: string };

const fromRegistry = async (
  deps: StepSourceDeps,
  registry: StepRegistry,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Parsed<FetchedStep> | undefined> => {
  const { owner, name, version } = wanted;
  const keyOf = (version: string): string => `${withoutUser(registry.url).href} ${nameOf({ owner, name, version })}`;
  const indexed = await deps.index.all();
  if (isExact(version)) {
    const had = await again(deps, indexed.get(keyOf(version)));
    if (had !== undefined) return had;
  }
  const found = await registry.find(owner, name, version, signal);
  if (!found.ok) return orLast(deps, wanted, indexed.get(keyOf(version)), found);
  if (found.value === undefined) return undefined;
  const exact = { owner, name, version: found.value.version };
  const had = isExact(exact.version) ? await again(deps, indexed.get(keyOf(exact.version))) : undefined;
  const fetched = had ?? (await download(deps, registry, exact, found.value, signal));
  if (!fetched.ok) return orLast(deps, wanted, indexed.get(keyOf(version)), fetched);
  await remember(deps, [keyOf(version), keyOf(exact.version)], fetched.value);
  return fetched;
};

const download = async (
  deps: StepSourceDeps,
  registry: StepRegistry,
  step: Wanted,
  found: FoundStep,
  signal: AbortSignal,
): Promise<Parsed<FetchedStep>> => {
  const what = nameOf(step);
  const got = await registry.get(found, what, signal);
  if (!got.ok) return got;
  const digest = createHash('sha256').update(got.value).digest('hex');
  if (found.sha256 !== undefined && digest !== found.sha256) {
    return refused({
      code: 'STEP_CHECKSUM',
      message: `The archive of the step ${what} has the SHA-256 ${digest}; the registry says ${found.sha256}.`,
      hint: 'Somebody changed it, or it was damaged on its way: ask who runs the registry.',
    });
  }
  return unpacked(deps, step, got.value);
};

const archive = async (
  deps: StepSourceDeps,
  step: StepReference & { kind: 'archive' },
  signal: AbortSignal,
): Promise<Parsed<FetchedStep>> => {
  const { owner = ourOwner, name, url } = step;
  const key = withoutUser(url).href;
  const got = await deps.download(url, { mostBytes: mostArchiveBytes, signal });
  const last = (await deps.index.all()).get(key);
  if (got.kind !== 'got') return orLast(deps, { owner, name, version: key }, last, { ok: false, problems: [notHad(name, url, got)] });
  const fetched = await unpacked(deps, { owner, name }, got.bytes);
  if (fetched.ok) await remember(deps, [key], fetched.value);
  return fetched;
};

const unpacked = async (deps: StepSourceDeps, step: Who, bytes: Uint8Array): Promise<Parsed<FetchedStep>> => {
  try {
    return await keep(deps, step, await unpackStep(bytes));
  } catch (error) {
    return unsafeStep(nameOf(step), error);
  }
};

const directory = async (deps: StepSourceDeps, step: StepReference & { kind: 'directory' }): Promise<Parsed<FetchedStep>> => {
  const { owner = ourOwner, name, path } = step;
  const place = resolve(deps.project, path);
  const [root, real] = await Promise.all([realpath(deps.project), realpath(place).catch(() => undefined)]);
  if (real === undefined || !(await stat(real)).isDirectory()) {
    return refused({
      code: 'STEP_DIRECTORY_MISSING',
      message: `The step ${name} should be in ${place}, and there is no such directory.`,
      hint: 'A path after file:// begins at the root of the project.',
    });
  }
  if (!`${real}${sep}`.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) {
    return refused({
      code: 'STEP_OUTSIDE',
      message: `The step ${name} is in ${real}, outside of the project.`,
      hint: 'Copy it into the project; nothing outside of it is read.',
    });
  }
  try {
    return await keep(deps, { owner, name }, await readStepDirectory(real));
  } catch (error) {
    return unsafeStep(name, error);
  }
};

type Who = Pick<FetchedStep, 'owner' | 'name' | 'version'>;

const keep = async (deps: StepSourceDeps, who: Who, files: StepFiles): Promise<Parsed<FetchedStep>> => {
  const code = stepCode(nameOf(who), files);
  if (!code.ok) return code;
  return parsed({ ...who, tree: await deps.trees.put(Readable.from([tarOfStep(files)])), ...code.value });
};

const remember = async (deps: StepSourceDeps, keys: readonly string[], { owner, name, version, tree }: FetchedStep): Promise<void> => {
  const step: IndexedStep = { owner, name, ...(version === undefined ? {} : { version }), tree, fetchedAt: deps.clock.now() };
  await deps.index.remember(new Map(keys.map((key) => [key, step])));
};

/** What was had before; `undefined` when it is not there any more, or not what it was. */
const again = async ({ trees }: StepSourceDeps, indexed: IndexedStep | undefined): Promise<Parsed<FetchedStep> | undefined> => {
  if (indexed === undefined || !(await trees.has(indexed.tree))) return undefined;
  const { owner, name, version, tree } = indexed;
  const who = { owner, name, ...(version === undefined ? {} : { version }) };
  try {
    const code = stepCode(nameOf(who), await unpackStep(await buffer(await trees.open(tree))));
    return code.ok ? parsed({ ...who, tree, ...code.value }) : undefined;
  } catch {
    return undefined;
  }
};

/** What was had last, when the server does not answer at all; what it says is never passed over. */
const orLast = async (
  deps: StepSourceDeps,
  wanted: Wanted,
  indexed: IndexedStep | undefined,
  failed: { readonly ok: false; readonly problems: readonly Problem[] },
): Promise<Parsed<FetchedStep>> => {
  if (failed.problems.some(({ code }) => code !== 'STEP_UNREACHABLE')) return failed;
  const last = await again(deps, indexed);
  if (last === undefined || !last.ok || indexed === undefined) return failed;
  const since = new Date(indexed.fetchedAt).toISOString();
  deps.note(`step ${nameOf(wanted)}: ${failed.problems[0]?.message ?? ''} What was fetched at ${since} is taken.`);
  return last;
};

/** A hint for a mistyped name of a step of ours; what has another owner is theirs. */
const meantBy = async ({ owner, name }: Wanted): Promise<string | undefined> => {
  const ours = ['script', ...(await builtinNames())];
  return owner === ourOwner && nearestWord(name, ours) !== undefined ? didYouMean(name, ours) : undefined;
};

/** No registry is known now, but one may have been when the step was fetched. */
const fromCacheAlone = async (deps: StepSourceDeps, wanted: Wanted): Promise<Parsed<FetchedStep>> => {
  const name = nameOf(wanted);
  for (const [key, indexed] of await deps.index.all()) {
    const had = isExact(wanted.version) && key.endsWith(` ${name}`) ? await again(deps, indexed) : undefined;
    if (had !== undefined) return had;
  }
  return refused({
    code: 'STEP_NO_REGISTRY',
    message: `The step ${name.replace(/@\*$/, '')} is none of those that come with cion, and there is no registry to ask: steps.wercker.com is gone.`,
    hint:
      (await meantBy(wanted)) ??
      'Give the address of one with --steps-registry or STEPS_REGISTRY, or put the step into the project: name "file://PATH".',
  });
};

const unknown = async (wanted: Wanted): Promise<Problem> => ({
  code: 'STEP_UNKNOWN',
  message: `The registry knows no step ${nameOf(wanted).replace(/@\*$/, '')}.`,
  hint: (await meantBy(wanted)) ?? '"cion step list" lists those that come with cion. Check the owner, the name and the version.',
});
