import assert from 'node:assert/strict';
import type { Stage } from '../../plan/plan.ts';
import type { Values } from '../runtime.ts';
import { argv, type ContractTest, literals, script } from './case.contract.ts';

const odd = {
  EMPTY: '',
  SPACES: '  two  words ',
  QUOTES: `it's "quoted"`,
  DOLLAR: '$HOME ${PATH} $(id) `id`',
  BACKSLASH: '\\n \\',
  NEWLINES: '\nfirst\n\nlast\n',
  EQUALS: '=a=b=',
  UNICODE: 'grüße 漢字 🎉',
  lower_case: 'x',
  LONG: 'z'.repeat(60_000),
} as const;

/** Names that shells treat in ways of their own, or do not hand on. */
const special = {
  PWD: '/somewhere',
  OLDPWD: '/else',
  SHLVL: '7',
  IFS: ':',
  UID: '12',
  RANDOM: 'no',
  _: 'underscore',
  'with-dash': 'a',
  'with.dot': 'b',
  '1digit': 'c',
  PS1: '> ',
  ENV: '/no/such/file',
  BASH_ENV: '/no/such/file',
} as const;

const secrets = (env: Readonly<Record<string, string>>): Values['env'] =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { value, secret: true }]));

const secretStage = (names: readonly string[]): Stage['env'] => Object.fromEntries(names.map((name) => [name, { kind: 'secret', name }]));

const environ = (bytes: Buffer): Record<string, string> =>
  Object.fromEntries(
    bytes
      .toString()
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

const withoutTheEngines = ({ PATH, HOME, HOSTNAME, ...rest }: Record<string, string>): Record<string, string> => {
  assert.ok(PATH !== undefined && HOME !== undefined && HOSTNAME !== undefined, 'PATH, HOME and HOSTNAME are the engine’s');
  return rest;
};

export const environmentContract = (test: ContractTest): void => {
  test('the stage sees its variables and no other stage’s (R-CIO-31)', [], async ({ drive, item }) => {
    const print = 'env | grep -E "^(A|B|LATE)=" | sort';
    const one = await drive(item(script(print, { A: 'a', FAKE_PRINT_ENV: '1' })), { env: { LATE: { value: 'l', secret: false } } });
    assert.equal(one.text, 'A=a\nLATE=l\n');
    const two = await drive(item(script(print, { B: 'b', FAKE_PRINT_ENV: '1' })));
    assert.equal(two.text, 'B=b\n');
  });

  for (const when of ['literal', 'secret'] as const) {
    test(`${when} values arrive byte for byte, with nothing added`, ['a shell'], async ({ drive, item }) => {
      const { stdout } = await drive(
        item({ ...argv('cat', '/proc/self/environ'), env: when === 'literal' ? literals(odd) : secretStage(Object.keys(odd)) }),
        when === 'literal' ? {} : { env: secrets(odd) },
      );
      assert.deepEqual(withoutTheEngines(environ(stdout)), odd);
    });

    test(`${when} values arrive too under the names that shells have their own way with`, ['a shell'], async ({ drive, item }) => {
      const seen = await Promise.all(
        Object.entries(special).map(async ([name, value]) => {
          const { stdout } = await drive(
            item({ ...argv('cat', '/proc/self/environ'), env: when === 'literal' ? literals({ [name]: value }) : secretStage([name]) }),
            when === 'literal' ? {} : { env: secrets({ [name]: value }) },
          );
          return withoutTheEngines(environ(stdout));
        }),
      );
      assert.deepEqual(
        seen,
        Object.entries(special).map(([name, value]) => ({ [name]: value })),
      );
    });
  }

  test('HOME and PATH may be the stage’s own', ['a shell'], async ({ drive, item }) => {
    const given = { HOME: '/my home', PATH: '/bin:/mine' };
    const { stdout } = await drive(item({ ...argv('cat', '/proc/self/environ'), env: secretStage(Object.keys(given)) }), {
      env: secrets(given),
    });
    const { HOSTNAME: _, ...rest } = environ(stdout);
    assert.deepEqual(rest, given);
  });

  test('secret values stand in no record of the engine', ['a shell', 'records'], async ({ prepare, start, item, subject, signal }) => {
    const secret = 'open sesame 4711';
    const holding = item({ ...script('sleep 600'), env: secretStage(['TOKEN']) });
    await prepare(holding);
    const execution = await start(holding, { env: secrets({ TOKEN: secret }) });
    const records = await subject.records?.(execution.container);
    assert.match(records ?? '', /sleep 600/);
    assert.doesNotMatch(records ?? '', /sesame/);
    await execution.stop(0);
    signal.throwIfAborted();
    assert.equal((await execution.exit).code, 137);
  });
};
