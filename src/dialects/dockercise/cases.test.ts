import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Problem } from '../../plan/problem.ts';
import { type ProblemKind, problemText } from '../../plan/problem-text.ts';
import { dockerciseDialect } from './dockercise.ts';

const folder = join(import.meta.dirname, 'cases');
const asIs = { serializers: [(text: unknown) => String(text)] };

for (const name of readdirSync(folder).filter((file) => file.endsWith('.yml'))) {
  const base = name.slice(0, -'.yml'.length);
  test(`case ${base.replaceAll('-', ' ')}`, (t) => {
    const bytes = readFileSync(join(folder, name));
    const compiled = dockerciseDialect.compile([{ path: 'ci.dockercise.yaml', bytes }]);
    t.assert.equal(compiled.ok, !base.startsWith('problem-'));
    if (!compiled.ok) return t.assert.fileSnapshot(printed(compiled.problems, bytes), join(folder, `${base}.problems.txt`), asIs);
    t.assert.fileSnapshot(`${JSON.stringify(compiled.plan, null, 2)}\n`, join(folder, `${base}.plan.json`), asIs);
    const warned = printed(compiled.warnings, bytes, 'warning');
    if (base.startsWith('warnings-')) t.assert.fileSnapshot(warned, join(folder, `${base}.problems.txt`), asIs);
    else t.assert.equal(warned, '');
  });
}

const printed = (problems: readonly Problem[], bytes: Buffer, kind?: ProblemKind): string =>
  problems.map((problem) => problemText(problem, new TextDecoder().decode(bytes), kind)).join('\n');
