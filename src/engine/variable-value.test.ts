import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stage } from '../plan/plan.ts';
import { cionDialect } from '../dialects/cion/cion.ts';
import { resolveValues } from './values.ts';
import { longestVariableBytes, usableValue } from './variable-value.ts';

const outside = { variable: () => undefined, secret: () => undefined };
const stageWith = (): Stage => {
  const compiled = cionDialect.compile([{ path: '.cion.yml', bytes: Buffer.from('build: { image: a }\n') }]);
  assert.ok(compiled.ok);
  const [node] = compiled.plan.nodes;
  assert.ok(node?.kind === 'stage');
  return { ...node, env: { GIVEN: { kind: 'output', stage: 'before' } } };
};
const given = (bytes: Uint8Array) => resolveValues(stageWith(), outside, async () => ({ bytes, sensitive: false }));

test('an output with a NUL byte becomes no variable, and the error says which and of which stage', async () => {
  await assert.rejects(given(Buffer.from('a\0b')), { code: 'VARIABLE_HAS_NUL', message: /GIVEN of "build".*as a file/ });
});

test('a variable may be as large as the kernel takes, and not a byte larger', async () => {
  const most = longestVariableBytes - Buffer.byteLength('GIVEN') - 2;
  const { env } = await given(Buffer.from('x'.repeat(most)));
  assert.equal(env.GIVEN?.value.length, most);
  await assert.rejects(given(Buffer.from('x'.repeat(most + 1))), { code: 'VARIABLE_TOO_LARGE', message: /131073 bytes/ });
  assert.throws(() => usableValue('build', 'N', 'é'.repeat(longestVariableBytes / 2)), { code: 'VARIABLE_TOO_LARGE' });
});
