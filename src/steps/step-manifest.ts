import { parseDocument } from 'yaml';
import { type Parsed, type Problem, parsed, refused } from '../plan/problem.ts';
import { manifestOf, stepCode } from './step-code.ts';
import type { StepFiles } from './step-entries.ts';

/** What a step says of itself; for publishing all but `owner` has to be there. */
export type StepManifest = {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly properties: readonly { readonly name: string; readonly type: string; readonly default: string; readonly required: boolean }[];
};

/** Of a step that is to be published: `step.yml` with name, version and summary, and a script. */
export const publishable = (what: string, files: StepFiles): Parsed<StepManifest> => {
  const code = stepCode(what, files);
  if (!code.ok) return code;
  const manifest = manifestOf(files);
  if (manifest?.path !== 'step.yml' || !files.has('run.sh')) return refused(bad(what, 'it needs a step.yml and a run.sh'));
  const document = parseDocument(Buffer.from(manifest.bytes).toString('utf8'), { schema: 'failsafe' });
  const flaw = document.errors[0];
  if (flaw !== undefined) return refused(bad(what, flaw.message.split('\n')[0] ?? 'it is no YAML'));
  const said: unknown = document.toJS();
  const textOf = (value: unknown, key: string): string => {
    const found = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
    return typeof found === 'string' ? found.trim() : '';
  };
  const listOf = (key: string): readonly unknown[] => {
    const found = typeof said === 'object' && said !== null ? (said as Readonly<Record<string, unknown>>)[key] : undefined;
    return Array.isArray(found) ? found : [];
  };
  const [name, version, summary] = [textOf(said, 'name'), textOf(said, 'version'), textOf(said, 'summary')];
  const missing = Object.entries({ name, version, summary }).find(([, text]) => text === '');
  if (missing !== undefined) return refused(bad(what, `it says no ${missing[0]}`));
  if (!/^[\w.-]+$/.test(name)) return refused(bad(what, `"${name}" is no name of a step`));
  if (!/^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(version)) return refused(bad(what, `"${version}" is no version like 1.2.3`));
  const properties = listOf('properties').map((property) => ({
    name: textOf(property, 'name'),
    type: textOf(property, 'type') || 'string',
    default: textOf(property, 'default'),
    required: textOf(property, 'required') === 'true',
  }));
  const tags = listOf('tags').filter((tag) => typeof tag === 'string');
  return parsed({ name, version, summary, tags, properties });
};

const bad = (what: string, why: string): Problem => ({
  code: 'STEP_MANIFEST',
  message: `The step ${what} cannot be published: ${why}.`,
  hint: 'docs/steps.md says what stands in a step.yml.',
});
