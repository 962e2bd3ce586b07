import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { Plan } from '../plan/plan.ts';
import { jsonPrinter } from '../cli/printers/json.ts';
import { plainPrinter } from '../cli/printers/plain.ts';
import { plainLook } from '../cli/printers/testing/golden.ts';
import { virtualClock } from '../lib/virtual-clock.ts';
import { after, doing, logOf, runPlan, stageOf } from './testing/fake-run.ts';
import { quietSink } from './testing/memory-run.ts';

const secret = 'tok-7f3a9c';
const inVolume = 'key-55aa01';

const login = doing(
  'login',
  { FAKE_STDOUT: `${secret}\n`, FAKE_STDERR: `said ${secret}\n`, FAKE_WRITE: JSON.stringify({ '/w/key': inVolume }) },
  {
    sensitive: true,
    mounts: [{ kind: 'volume', volume: 'login', path: '/w', access: 'read-write' }],
    artifacts: { volume: 'login', except: ['out'] },
  },
);
const plan = (nodes: Plan['nodes']): Plan => ({ version: 1, pipeline: 'p', nodes, volumes: [{ name: 'login', from: 'empty' }] });

describe('execute, with a sensitive stage', () => {
  it('shows and keeps nothing of what it says or leaves: no log, no zip, nothing in a document, an event or on the console (R-DCK-82)', async () => {
    const clock = virtualClock({ whenIdle: 'run' });
    const shown: string[] = [];
    const output = Object.assign(new Writable({ write: (chunk: Buffer, _encoding, done) => (shown.push(chunk.toString()), done()) }), {
      columns: 80,
      rows: 24,
    });
    const printers = [plainPrinter(output, { look: plainLook() }), jsonPrinter(output, { clock })];
    const sink = {
      ...quietSink,
      event: (...given: Parameters<typeof quietSink.event>) => printers.forEach((printer) => printer.event(...given)),
      log: (...given: Parameters<typeof quietSink.log>) => printers.forEach((printer) => void printer.log(...given)),
    };
    const { results, state, events } = await runPlan(plan([login]), {}, { clock, sink });
    await Promise.all(printers.map((printer) => printer.close()));
    assert.equal(state.outcome, 'passed');
    assert.equal(await logOf(results, 'login'), '');
    assert.equal(await results.open('run_1', 'login.log'), undefined);
    assert.equal(await results.open('run_1', 'login.zip'), undefined);
    const document = (await buffer((await results.open('run_1', 'login.json')) ?? assert.fail())).toString();
    assert.match(shown.join(''), /login/);
    for (const text of [document, shown.join(''), JSON.stringify(events.slice(4))])
      assert.doesNotMatch(text, new RegExp(`${secret}|${inVolume}`));
  });

  it('gives its value to dependants as a variable, a file and a volume, and masks it where they print it (R-DCK-83)', async () => {
    const print = doing('print', { FAKE_PRINT_ENV: '1' }, after('login'));
    const { results, state } = await runPlan(
      plan([
        login,
        { ...print, env: { ...print.env, TOKEN: { kind: 'output', stage: 'login' } } },
        {
          ...doing('file', { FAKE_PRINT_FILE: '/out/login' }, after('login')),
          files: [{ path: '/out/login', value: { kind: 'output', stage: 'login' } }],
        },
        doing(
          'volume',
          { FAKE_PRINT_FILE: '/in/key' },
          { ...after('login'), mounts: [{ kind: 'artifacts', stage: 'login', path: '/in' }] },
        ),
      ]),
    );
    assert.equal(state.outcome, 'passed');
    assert.match(await logOf(results, 'print'), /^TOKEN=\*{10}\n?$/);
    assert.equal(await logOf(results, 'file'), `${'*'.repeat(secret.length)}\n`);
    assert.equal(await logOf(results, 'volume'), inVolume);
    assert.equal(stageOf(state, 'login').attempts[0]?.artifacts, undefined);
  });
});
