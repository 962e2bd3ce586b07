import { didYouMean, nearestWord } from '../../lib/did-you-mean.ts';
import type { InternalStep, StepAction } from '../../plan/plan.ts';
import { quoted } from '../quoted.ts';
import { blame, type Place } from '../shape.ts';
import type { StepItem } from './step-item.ts';

type Internal = { readonly what: InternalStep; readonly required: readonly string[]; readonly options: readonly string[] };

const registry = [
  'repository',
  'tag',
  'registry',
  'username',
  'password',
  'email',
  'auth-server',
  'aws-access-key',
  'aws-secret-key',
  'aws-region',
  'aws-registry-id',
  'aws-strict-auth',
  'azure-client-id',
  'azure-client-secret',
  'azure-subscription-id',
  'azure-tenant-id',
  'azure-resource-group',
  'azure-registry-name',
  'azure-login-server',
];
const image = [
  'author',
  'message',
  'cmd',
  'entrypoint',
  'env',
  'ports',
  'volumes',
  'working-dir',
  'user',
  'stopsignal',
  'labels',
  'image-name',
];
const build = [
  'image-name',
  'dockerfile',
  'context',
  'build-args',
  'labels',
  'q',
  'no-cache',
  'squash',
  'extra-hosts',
  'registry-auth-config',
];
const run = ['image', 'name', 'cmd', 'entrypoint', 'env', 'working-dir', 'user', 'ports', 'username', 'password', 'registry'];

const internals: Readonly<Record<string, Internal>> = {
  'docker-push': { what: 'push', required: ['repository'], options: [...registry, ...image] },
  'docker-scratch-push': { what: 'scratch-push', required: ['repository'], options: [...registry, ...image] },
  'docker-build': { what: 'build', required: ['image-name'], options: build },
  'docker-run': { what: 'run', required: ['image', 'name'], options: run },
  'docker-kill': { what: 'kill', required: ['name'], options: ['name'] },
  'store-container': { what: 'store-container', required: [], options: ['author', 'message'] },
  shell: { what: 'shell', required: [], options: ['code', 'cmd'] },
  watch: { what: 'watch', required: ['code'], options: ['code', 'reload'] },
};

export const isInternal = (reference: string): boolean => reference.startsWith('internal/');

/** Values that the shell had to be asked for are known here anyway. */
const meaningless: ReadonlySet<string> = new Set(['disable-sync']);

/** What an `internal/…` step does, under its options' own names; the context of a build is a path in the container. */
export const internalAction = (item: StepItem, base: string, place: Place): StepAction | undefined => {
  const name = item.reference.slice('internal/'.length);
  const internal = Object.hasOwn(internals, name) ? internals[name] : undefined;
  if (internal === undefined) return unknown(name, item, place);
  const own = { ...(item.name === undefined ? {} : { name: item.name }), ...(item.code === undefined ? {} : { code: item.code }) };
  const given = { ...own, ...Object.fromEntries(item.options.map(({ key, text }) => [key, text])) };
  const meant = Object.fromEntries(Object.entries(given).filter(([key]) => internal.options.includes(key)));
  tellUnknown(item, internal, place);
  const missing = internal.required.filter((key) => (meant[key] ?? '') === '');
  for (const key of missing) {
    const message = `The step ${quoted(item.reference)} needs the option "${key}".`;
    blame({ ...place, range: item.range }, { code: 'OPTION_MISSING', message, hint: `Add "${key}:" below it.` });
  }
  if (missing.length > 0) return undefined;
  const options = internal.what === 'build' ? { ...meant, context: contextOf(base, meant['context'] ?? '') } : meant;
  return { kind: 'internal', what: internal.what, options };
};

const contextOf = (base: string, context: string): string => {
  const below = context.replace(/^(?:\.\/|\/)+|\/+$|^\.$/g, '');
  return below === '' ? base : `${base}/${below}`;
};

const unknown = (name: string, item: StepItem, place: Place): undefined => {
  const hint =
    name === 'publish-step'
      ? 'There is no registry to publish steps to; other projects can name an archive of it.'
      : didYouMean(
          item.reference,
          Object.keys(internals).map((known) => `internal/${known}`),
        );
  const message = `There is no step ${quoted(item.reference)}.`;
  return blame({ ...place, range: item.range }, { code: 'STEP_INTERNAL_UNKNOWN', message, hint });
};

const tellUnknown = (item: StepItem, { options }: Internal, place: Place): void => {
  for (const { key, range } of item.options) {
    if (options.includes(key) || meaningless.has(key)) continue;
    const message = `${quoted(key)} is no option of ${quoted(item.reference)}.`;
    const hint = nearestWord(key, options) === undefined ? 'Remove it.' : didYouMean(key, options);
    blame(place, { code: 'OPTION_UNKNOWN', message, hint }, range);
  }
};
