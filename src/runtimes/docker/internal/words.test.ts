import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filled } from '../../../lib/filled.ts';
import { optionsOf } from './options.ts';
import { textOfWord, wordsOf } from './words.ts';

const env = { A: 'a b', HOME: '/root', EVIL: '$(touch /x); $A', EMPTY: '' };

test('variables are filled, once, and nothing else that a shell would take for its own', () => {
  assert.equal(filled('$A-${A}-$EMPTY-$NONE-${NONE}', env), 'a b-a b---');
  assert.equal(filled('$EVIL', env), '$(touch /x); $A');
  const kept = '$$ $$A $1 $? ${A:-x} ${A:0:7} $(id) `id` ${} $ {A} \\$';
  assert.equal(filled(kept, env), kept);
  assert.equal(filled('$constructor', env), '');
});

test('words are split as a shell splits them', () => {
  const split = (text: string) => wordsOf(text)?.map(textOfWord);
  assert.deepEqual(split(`a  "b c"\t'd "e" \\f'\n"g\\"h\\\\i\\n" j\\ k l''m ""`), ['a', 'b c', 'd "e" \\f', 'g"h\\i\\n', 'j k', 'lm', '']);
  assert.deepEqual(split(' \n '), []);
  for (const open of ["it's", '"open', 'ends\\']) assert.equal(split(open), undefined, open);
});

test('options are words, lists, pairs and flags; what stands in single quotes in a command is for the shell of the image', () => {
  const options = optionsOf(
    {
      cmd: `sh -c 'echo $HOME' "$A" \\$A`,
      tag: ' 1, 2\n3 ',
      env: `X=1=2 Y='$A' Z`,
      'no-cache': 'Yes',
      q: 'maybe',
      empty: '$EMPTY',
      open: "'",
    },
    env,
  );
  assert.deepEqual(options.argv('cmd'), ['sh', '-c', 'echo $HOME', 'a b', '$A']);
  assert.deepEqual(options.list('tag'), ['1', '2', '3']);
  assert.deepEqual(options.pairs('env'), [
    ['X', '1=2'],
    ['Y', 'a b'],
    ['Z', undefined],
  ]);
  assert.deepEqual([options.flag('no-cache'), options.flag('q'), options.flag('none')], [true, false, false]);
  assert.equal(options.text('empty'), undefined);
  assert.throws(() => options.required('empty'), /"empty" is missing or empty/);
  assert.throws(() => options.argv('open'), /"open" has a quote that is not closed/);
});
