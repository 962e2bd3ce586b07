import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { planDigest } from '../../plan/digest.ts';
import type { Problem } from '../../plan/problem.ts';
import { type ProblemKind, problemText } from '../../plan/problem-text.ts';
import type { Given } from '../dialect.ts';
import { given } from './testing/given.ts';
import { werckerDialect } from './wercker.ts';

const folder = join(import.meta.dirname, 'cases');
const asIs = { serializers: [(text: unknown) => String(text)] };

/** What is asked for stands in the first line: `# pipeline=deploy target=staging lastBuild=image`. */
const asked = (text: string) => {
  const words = Object.fromEntries(
    (/^#(.*)/.exec(text)?.[1] ?? '').split(' ').flatMap((word) => (word.includes('=') ? [word.split('=')] : [])),
  );
  const { lastBuild, ...others } = words;
  return {
    ...others,
    ...(lastBuild && { lastBuild: { image: lastBuild } }),
  };
};

const ids: Readonly<Record<string, string>> = {
  'seed-example': ' (R-WRK-07, R-WRK-08, R-WRK-12)',
  'seed-example-deploy': ' (R-WRK-07, R-WRK-43, R-WRK-46)',
  'problem-seed-example-as-written': ' (R-WRK-07)',
  'problem-structure': ' (R-WRK-106)',
  'problem-options': ' (R-WRK-107)',
};

for (const name of readdirSync(folder).filter((file) => file.endsWith('.yml'))) {
  const base = name.slice(0, -'.yml'.length);
  test(`case ${base.replaceAll('-', ' ')}${ids[base] ?? ''}`, (t) => {
    const bytes = readFileSync(join(folder, name));
    const compiled = werckerDialect.compile([{ path: 'wercker.yml', bytes }], { ...given, ...asked(bytes.toString()) });
    t.assert.equal(compiled.ok, !base.startsWith('problem-'), JSON.stringify(compiled.ok || compiled.problems, null, 1));
    if (!compiled.ok) return t.assert.fileSnapshot(printed(compiled.problems, bytes), join(folder, `${base}.problems.txt`), asIs);
    t.assert.fileSnapshot(`${JSON.stringify(compiled.plan, null, 2)}\n`, join(folder, `${base}.plan.json`), asIs);
    if (base.startsWith('warnings-'))
      t.assert.fileSnapshot(printed(compiled.warnings, bytes, 'warning'), join(folder, `${base}.problems.txt`), asIs);
    else t.assert.deepEqual(compiled.warnings, []);
  });
}

/** The same text, run by others, elsewhere, at another time. */
const elsewhere: Given = {
  ...given,
  run: { id: 'run_02', number: 8, startedBy: 'github', startedAt: 1_800_000_000_000, build: 'nightly' },
  project: 'acme/web',
  pages: { run: 'https://ci.example/acme/web/8', project: 'https://ci.example/acme/web' },
  source: { commit: 'f'.repeat(40), branch: 'next', tag: 'v1', domain: 'git.example', owner: 'beta', repository: 'web' },
};

test('all cases have plans of the same digest for any run, and for none', (t) => {
  const { run: _run, ...unasked } = given;
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yml'))) {
    const bytes = readFileSync(join(folder, name));
    const digests = [given, elsewhere, unasked].flatMap((about) => {
      const compiled = werckerDialect.compile([{ path: 'wercker.yml', bytes }], { ...about, ...asked(bytes.toString()) });
      return compiled.ok ? [planDigest(compiled.plan)] : [];
    });
    t.assert.equal(new Set(digests).size, digests.length === 0 ? 0 : 1, name);
    t.assert.equal(name.startsWith('problem-'), digests.length === 0);
  }
});

const printed = (problems: readonly Problem[], bytes: Buffer, kind?: ProblemKind): string =>
  problems.map((problem) => problemText(problem, new TextDecoder().decode(bytes), kind)).join('\n');
