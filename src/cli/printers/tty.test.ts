import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { palette } from './colour.ts';
import { width } from './fit.ts';
import type { Output } from './printer.ts';
import { golden, noon, plainLook } from './testing/golden.ts';
import { makeScreen, type Screen } from './testing/screen.ts';
import { shopRun } from './testing/shop-run.ts';
import { somePlan, tellStory } from './testing/story.ts';
import { noTerminal, startTerminal } from './testing/terminal.ts';
import { ttyPrinter } from './tty.ts';

const begin = (columns = 80, rows = 24, look = plainLook(columns)) => {
  const clock = virtualClock({ startAt: noon });
  const screen = makeScreen(columns, rows);
  const printer = ttyPrinter(screen, { look, clock });
  return { clock, screen, printer, run: tellStory(clock, printer) };
};

const fits = (screen: Screen): void => {
  const lines = screen.text().split('\n');
  assert.ok(lines.length <= (screen.rows ?? 0), `${lines.length} lines`);
  for (const line of lines) assert.ok(width(line) <= (screen.columns ?? 0), line);
};

for (const ends of ['well', 'badly'] as const) {
  test(`a run that ends ${ends}, moment by moment`, async (t) => {
    const { clock, screen, printer } = begin(90, 30);
    const moments: string[] = [];
    await shopRun(clock, printer, ends, (what) => {
      assert.equal(screen.cursor.isHidden, true);
      moments.push(`=== ${what}`, screen.text(), '');
    });
    await printer.close();
    moments.push('=== at the end, with all that scrolled by', screen.history(), '');
    golden(t, `tty-${ends}`, moments);
    assert.deepEqual([screen.unknown, screen.cursor.isHidden, screen.isUpdating], [[], false, false]);
  });
}

test('a terminal without UTF-8 gets the same in ASCII', async (t) => {
  const { clock, screen, printer } = begin(90, 30, plainLook(90, 'ascii'));
  const moments: string[] = [];
  await shopRun(clock, printer, 'badly', () => moments.push(screen.text(), ''));
  await printer.close();
  golden(t, 'tty-ascii', [...moments, screen.history()]);
  assert.match(screen.history().replace('日本語', ''), /^[\n\x20-\x7e]*$/);
});

test('colours change nothing about what stands where', async () => {
  const [plain, coloured] = [begin(90, 30), begin(90, 30, { ...plainLook(90), palette: palette(true) })];
  const texts: string[][] = [];
  for (const { clock, screen, printer } of [plain, coloured]) {
    const moments: string[] = [];
    await shopRun(clock, printer, 'badly', () => moments.push(screen.text()));
    await printer.close();
    texts.push([...moments, screen.history()]);
  }
  assert.deepEqual(texts[0], texts[1]);
});

test('a failed stage shows the end of its log, why, and how to see the rest', async () => {
  const { clock, screen, printer, run } = begin();
  run.created();
  run.planned(somePlan({ 'my build': [] }));
  run.queued('my build');
  run.preparing('my build');
  run.started('my build');
  for (let line = 1; line <= 30; line++) run.log('my build', `line ${line}\n`);
  await clock.advance(3_100);
  run.finished('my build', 'failed', { cause: { kind: 'exit', code: 3 } });
  await clock.advance(50);
  const lines = screen.text().split('\n');
  assert.equal(lines.filter((line) => /^ {2}│ line \d+$/.test(line)).length, 20);
  assert.ok(lines.includes('  │ line 30') && !lines.includes('  │ line 10'));
  assert.ok(lines.includes("  Whole log: cion logs 12 'my build'"));
  assert.match(screen.history(), /✗ my build +3\.1 s {2}The command ended with exit code 3/);
  await printer.close();
});

test('more stages than lines: the running ones first, the others are counted', async () => {
  const { clock, screen, printer, run } = begin(60, 8);
  const names = Array.from({ length: 30 }, (_, index) => `stage-${index}`);
  run.created();
  run.planned(somePlan(Object.fromEntries([...names.map((name) => [name, []] as const), ['last', names]])));
  for (const name of names.slice(0, 12)) {
    run.queued(name);
    run.preparing(name);
    run.started(name);
  }
  await clock.advance(1_000);
  fits(screen);
  assert.equal(screen.text().split('\n').length, 8 - 1 + 0);
  assert.match(screen.text(), /… and 26 more, 7 running$/);
  screen.resize(60, 20);
  await clock.advance(200);
  fits(screen);
  assert.match(screen.text(), /… and \d+ more$/);
  await printer.close();
});

test('every size of screen is respected, also while it changes', async () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [20, 5],
    [12, 3],
    [5, 2],
    [200, 50],
  ] as const) {
    const { clock, screen, printer, run } = begin(columns, rows);
    run.created();
    run.planned(somePlan({ build: [], 'a-stage-with-a-very-long-name-that-fits-nowhere': [], release: ['build'] }));
    for (const name of ['build', 'a-stage-with-a-very-long-name-that-fits-nowhere']) {
      run.queued(name);
      run.preparing(name);
      run.started(name);
      run.log(name, `${'wide 日本語 '.repeat(40)}\n`);
    }
    await clock.advance(1_000);
    fits(screen);
    screen.resize(Math.max(5, Math.floor(columns / 2)), rows);
    await clock.advance(1_000);
    fits(screen);
    screen.resize(columns, rows);
    await clock.advance(1_000);
    fits(screen);
    run.finished('build');
    await clock.advance(1_000);
    await printer.close();
    assert.match(screen.history().replaceAll('\n', ''), /✓ bui/);
    assert.equal(screen.cursor.isHidden, false);
  }
});

test('it paints at most 20 times in a second, however much happens', async () => {
  const { clock, screen, printer, run } = begin();
  run.created();
  run.planned(somePlan({ build: [] }));
  run.queued('build');
  run.preparing('build');
  run.started('build');
  await clock.advance(100);
  const before = screen.written.writes;
  for (let count = 0; count < 200; count++) {
    await clock.advance(5);
    run.log('build', `line ${count}\n`);
    printer.note('build', { kind: 'service-ready', service: `s${count}` });
  }
  const painted = screen.written.writes - before;
  assert.ok(painted <= 21 && painted >= 10, `${painted}`);
  await printer.close();
});

test('a stage whose image is built shows the last line of that', async () => {
  const { clock, screen, printer, run } = begin();
  run.created();
  run.planned(somePlan({ build: [] }));
  run.queued('build');
  run.preparing('build');
  printer.note('build', { kind: 'building', dockerfile: 'Dockerfile', line: 'Step 1/2 : FROM busybox' });
  await clock.advance(1_000);
  assert.match(screen.text(), /Builds its image: Step 1\/2 : FROM busybox/);
  await printer.close();
});

test('nothing is painted when nothing changes but the seconds', async () => {
  const { clock, screen, printer, run } = begin();
  run.created();
  run.planned(somePlan({ build: [] }));
  await clock.advance(1_000);
  const before = screen.written;
  const { writes, bytes } = before;
  await clock.advance(10_000);
  assert.ok(screen.written.writes - writes <= 11);
  assert.ok(screen.written.bytes - bytes < 1_000);
  await printer.close();
});

test('200 MB of log cost a fraction of a second', async () => {
  const { printer, run } = begin();
  run.created();
  run.planned(somePlan({ build: [] }));
  run.queued('build');
  run.preparing('build');
  run.started('build');
  const chunk = Buffer.from('a line of a log that is as long as lines usually are, more or less\n'.repeat(1_000)).subarray(0, 65_536);
  const before = process.cpuUsage();
  for (let bytes = 0; bytes < 200_000_000; bytes += chunk.length) await printer.log('build', 1, { stream: 'stdout', bytes: chunk });
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < 300, `${(user + system) / 1000} ms`);
  await printer.close();
});

test('an end in the middle gives the terminal back at once', async () => {
  const { clock, screen, printer, run } = begin();
  run.created();
  run.planned(somePlan({ build: [], test: ['build'] }));
  run.queued('build');
  run.preparing('build');
  run.started('build');
  await clock.advance(1_000);
  run.tell({ kind: 'run.cancel-requested', by: 'anna', force: false });
  await clock.advance(100);
  assert.match(screen.text(), /Stops; once more to kill what runs/);
  run.finished('build', 'cancelled', { cause: { kind: 'cancelled' } });
  void printer.close();
  assert.equal(screen.cursor.isHidden, false);
  assert.match(screen.text(), /■ build +1\.1 s {2}cancelled$/);
  assert.equal(clock.pending(), 0);
});

test('a run that is taken over after a crash shows what runs already', async () => {
  const clock = virtualClock({ startAt: noon });
  const screen = makeScreen(80, 24);
  const past = tellStory(clock);
  past.created();
  past.planned(somePlan({ build: [], test: ['build'], lint: ['build'] }));
  past.queued('build');
  past.preparing('build');
  past.started('build');
  past.finished('build');
  past.queued('test');
  past.preparing('test');
  past.started('test');
  const printer = ttyPrinter(screen, { look: plainLook(80), clock });
  printer.event({ seq: 99, at: clock.now(), kind: 'run.resumed' }, past.state());
  await clock.advance(100);
  assert.match(screen.text(), /1 of 3 finished/);
  assert.match(screen.text(), /├─ . test/);
  assert.doesNotMatch(screen.text(), /build/);
  await printer.close();
});

test('a terminal that is behind is not written to until it has caught up', async () => {
  const clock = virtualClock({ startAt: noon });
  const screen = makeScreen(80, 24);
  let isBehind = true;
  let drained: (() => void) | undefined;
  const printer = ttyPrinter(
    {
      ...screen,
      write: (text) => screen.write(text) && !isBehind,
      on: (event, listener) => {
        if (event === 'drain') drained = listener;
      },
      off: () => {},
    },
    { look: plainLook(80), clock },
  );
  const run = tellStory(clock, printer);
  run.created();
  await clock.advance(100);
  run.planned(somePlan({ build: [] }));
  await clock.advance(5_000);
  assert.equal(screen.written.writes, 1);
  isBehind = false;
  drained?.();
  await clock.advance(100);
  assert.match(screen.text(), /build/);
  await printer.close();
});

/** A terminal whose buffer is full after the first write; `tell` lets it say that something happened. */
const slowTerminal = () => {
  const screen = makeScreen(80, 24);
  const listeners = new Map<string, () => void>();
  const output: Output = {
    columns: 80,
    rows: 24,
    write: (text) => {
      screen.write(text);
      return false;
    },
    on: (event, listener) => listeners.set(event, listener),
    off: (event) => listeners.delete(event),
  };
  return { screen, output, tell: (event: string) => listeners.get(event)?.() };
};

test('a terminal that never catches up still gets what is to stay, and the summary, at the end', async () => {
  const clock = virtualClock({ startAt: noon });
  const { screen, output } = slowTerminal();
  const printer = ttyPrinter(output, { look: plainLook(80), clock });
  const run = await shopRun(clock, printer, 'badly');
  assert.equal(screen.written.writes, 1);
  await printer.close();
  assert.match(screen.history(), /✗ lint +6\.5 s/);
  assert.match(screen.history(), new RegExp(`! Run ${run.state().number} errored after`));
  assert.deepEqual([screen.cursor.isHidden, clock.pending()], [false, 0]);
});

test('a terminal that is gone is not written to any more, also when it drains afterwards', async () => {
  const clock = virtualClock({ startAt: noon });
  const { screen, output, tell } = slowTerminal();
  const printer = ttyPrinter(output, { look: plainLook(80), clock });
  const run = tellStory(clock, printer);
  run.created();
  await clock.advance(100);
  tell('error');
  tell('drain');
  tell('resize');
  run.planned(somePlan({ build: [] }));
  await clock.advance(5_000);
  await printer.close();
  assert.deepEqual([screen.written.writes, clock.pending()], [1, 0]);
});

test('a real terminal shows what the one in memory shows', { skip: noTerminal() ?? false }, async () => {
  const { clock, screen, printer } = begin(90, 30);
  await shopRun(clock, printer, 'badly');
  await printer.close();
  const program = `
    import { virtualClock } from '../../lib/virtual-clock.ts';
    import { noon, plainLook } from './testing/golden.ts';
    import { shopRun } from './testing/shop-run.ts';
    import { ttyPrinter } from './tty.ts';
    const clock = virtualClock({ startAt: noon });
    const printer = ttyPrinter(process.stdout, { look: plainLook(), clock });
    await shopRun(clock, printer, 'badly');
    await printer.close();`;
  const terminal = startTerminal('exec "$NODE" --input-type=module --eval "$PROGRAM"', {
    columns: 90,
    rows: 30,
    cwd: import.meta.dirname,
    env: { NODE: process.execPath, PROGRAM: program },
  });
  await terminal.ended;
  assert.equal(terminal.screen.history(), screen.history());
  assert.deepEqual([terminal.screen.unknown, terminal.screen.cursor.isHidden], [[], false]);
});

test('a crash leaves a terminal as it was, where close is called when the process ends', { skip: noTerminal() ?? false }, async () => {
  const program = `
    import { systemClock } from '../../lib/clock.ts';
    import { plainLook } from './testing/golden.ts';
    import { somePlan, tellStory } from './testing/story.ts';
    import { ttyPrinter } from './tty.ts';
    const printer = ttyPrinter(process.stdout, { look: plainLook(), clock: systemClock });
    process.once('exit', () => void printer.close());
    const run = tellStory(systemClock, printer);
    run.created();
    run.planned(somePlan({ build: [] }));
    setTimeout(() => { throw new Error('crash'); }, 200);`;
  const terminal = startTerminal('exec "$NODE" --input-type=module --eval "$PROGRAM" 2>/dev/null', {
    columns: 80,
    rows: 20,
    cwd: import.meta.dirname,
    env: { NODE: process.execPath, PROGRAM: program },
  });
  await terminal.ended;
  assert.equal(terminal.screen.text(), 'Run 12 of shop');
  assert.equal(terminal.screen.cursor.isHidden, false);
});
