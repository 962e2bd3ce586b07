import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceIn } from '../scripts/requirements/evidence.ts';
import { type Claims, contradictions, report } from '../scripts/requirements/report.ts';

const ids = { 'R-CIO-01': 'One.', 'R-CIO-02': 'Two.', 'R-CIO-03': 'Three.', 'R-CIO-04': 'Four.', 'R-CIO-05': 'Five.' };
const named = (names: string): string => `test('it works (${names})', () => {});`;
const unknownId = ['R', 'CIO', '999'].join('-');

test('the name of a test says which requirements it proves', () => {
  assert.deepEqual(evidenceIn('a.test.ts', named('R-CIO-01, R-CIO-02')), [
    { id: 'R-CIO-01', test: 'it works', file: 'a.test.ts' },
    { id: 'R-CIO-02', test: 'it works', file: 'a.test.ts' },
  ]);
});

test('comments and skipped tests prove nothing', () => {
  const text = ["// 'it works (R-CIO-01)'", " * 'it works (R-CIO-01)'", named('R-CIO-01').replace('test(', 'test.skip(')];
  assert.deepEqual(evidenceIn('a.test.ts', text.join('\n')), []);
});

test('every state of a requirement stands in the report with its reason or its tests', () => {
  const claims: Claims = {
    'R-CIO-02': { state: 'later', reason: 'Soon.' },
    'R-CIO-03': { state: 'refused', reason: 'Never.' },
    'R-CIO-04': { state: 'later', reason: 'The rest soon.' },
  };
  const page = report(ids, claims, evidenceIn('a.test.ts', named('R-CIO-01, R-CIO-04')));
  assert.match(page, /^\| R-CIO-01 \| One\. \| \*\*proven\*\*<br>it works \(a\.test\.ts\) \|$/m);
  assert.match(page, /^\| R-CIO-02 \| Two\. \| \*\*later\*\*<br>Soon\. \|$/m);
  assert.match(page, /^\| R-CIO-03 \| Three\. \| \*\*refused\*\*<br>Never\. \|$/m);
  assert.match(page, /^\| R-CIO-04 \| Four\. \| \*\*in part\*\*<br>The rest soon\.<br>it works \(a\.test\.ts\) \|$/m);
  assert.match(page, /^\| R-CIO-05 \| Five\. \| \*\*not yet\*\* \|$/m);
  assert.match(page, /^\| \[cion\]\(#cion\) \| 1 \| 1 \| 1 \| 1 \| 1 \| 5 \|$/m);
});

test('a test that names no requirement there is, and claims that tests contradict, are refused', () => {
  const evidence = evidenceIn('a.test.ts', named(`${unknownId}, R-CIO-02`));
  const claims: Claims = {
    'R-CIO-01': { state: 'proven' },
    'R-CIO-02': { state: 'refused', reason: 'No.' },
    [unknownId]: { state: 'proven' },
  };
  assert.deepEqual(contradictions(ids, claims, evidence), [
    `a.test.ts: "it works" names ${unknownId}, which is no requirement`,
    'R-CIO-01 is claimed to be proven, and no test names it',
    'R-CIO-02 is claimed to be refused, and a test names it',
    `claims.json names ${unknownId}, which is no requirement`,
  ]);
});
