import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { evidenceIn, idsIn } from './requirements/evidence.ts';
import { type Claims, contradictions, type Ids, report } from './requirements/report.ts';

/** node scripts/requirements.ts [--check]: writes docs/requirements.md, or says what is out of step. */
const page = 'docs/requirements.md';
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const filesOf = (...patterns: readonly string[]) => globSync(patterns).sort();

const ids = readJson('docs/requirements/ids.json') as Ids;
const claims = readJson('docs/requirements/claims.json') as Claims;
const evidence = filesOf('src/**/*.{test,contract}.ts', 'test/**/*.test.ts', 'e2e/**/*.test.ts').flatMap((file) =>
  evidenceIn(file, readFileSync(file, 'utf8')),
);
const unknown = filesOf('{src,test,e2e,bench,scripts}/**/*.ts', 'docs/**/*.md', 'examples/**/*.{md,yml,yaml}', '*.md').flatMap((file) =>
  idsIn(readFileSync(file, 'utf8'))
    .filter((id) => !(id in ids))
    .map((id) => `${file} names ${id}, which is no requirement`),
);

const text = report(ids, claims, evidence);
const problems = [...new Set([...contradictions(ids, claims, evidence), ...unknown])];
const isCheck = process.argv.includes('--check');

if (isCheck && readText(page) !== text) problems.push(`${page} is out of step: npm run requirements writes it anew`);
if (!isCheck) writeFileSync(page, text);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
