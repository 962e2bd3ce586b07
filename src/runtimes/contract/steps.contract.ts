import assert from 'node:assert/strict';
import type { ShellValue, Stage, Step, Steps, Variable } from '../../plan/plan.ts';
import type { Execution, LogPosition, StepMark, StreamName } from '../runtime.ts';
import { type Case, type ContractTest, literals, tarOf, throwsCode, untar } from './case.contract.ts';

const fromTheBeginning = { stdout: 0, stderr: 0 } as const;

const literal = (value: string): ShellValue => ({ kind: 'literal', value });
const expanded = (text: string): ShellValue => ({ kind: 'expanded', text });
const vars = (given: Readonly<Record<string, ShellValue>>): readonly Variable[] =>
  Object.entries(given).map(([name, value]) => ({ name, value }));

const step = (id: string, script: string, more: Partial<Step> = {}): Step => ({
  id,
  name: `the step ${id}`,
  variables: [],
  action: { kind: 'script', script },
  timeouts: {},
  ...more,
});

const stageOf = (
  steps: readonly Step[],
  more: Partial<Omit<Steps, 'steps'>> & { readonly fake?: Readonly<Record<string, string>> } = {},
) => {
  const { fake, ...rest } = more;
  return {
    command: { kind: 'steps', variables: [], after: [], ...rest, steps },
    env: literals(fake ?? {}),
  } as const satisfies Partial<Stage>;
};

/** What was written in each step, in the order of the marks. */
type Told = {
  readonly steps: readonly { readonly step: string; readonly stdout: string; readonly stderr: string; readonly end?: StepMark }[];
  readonly outside: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly marks: readonly string[];
};

const told = async (
  execution: Execution,
  signal: AbortSignal,
  from: LogPosition = fromTheBeginning,
  onBegin: (id: string) => Promise<void> = async () => {},
): Promise<Told> => {
  const steps: { step: string; stdout: string; stderr: string; end?: StepMark }[] = [];
  const all: Record<StreamName, Buffer[]> = { stdout: [], stderr: [] };
  const marks: string[] = [];
  let open: (typeof steps)[number] | undefined;
  let outside = '';
  const chunks = execution.logs(from, signal, async (mark) => {
    marks.push(`${mark.mark} ${mark.step}`);
    if (mark.mark === 'begin') {
      open = { step: mark.step, stdout: '', stderr: '' };
      steps.push(open);
      await onBegin(mark.step);
    } else {
      if (open !== undefined) open.end = mark;
      open = undefined;
    }
  });
  for await (const { stream, bytes } of chunks) {
    all[stream].push(Buffer.from(bytes));
    const text = Buffer.from(bytes).toString('latin1');
    if (open === undefined) outside += text;
    else open[stream] += text;
  }
  return { steps, outside, stdout: Buffer.concat(all.stdout).toString(), stderr: Buffer.concat(all.stderr).toString(), marks };
};

const driven = async ({ item, prepare, start, signal }: Case, stage: Partial<Stage>) => {
  const one = item(stage);
  await prepare(one);
  const execution = await start(one);
  const output = await told(execution, signal);
  return {
    ...output,
    item: one,
    execution,
    exit: await execution.exit,
    codes: output.steps.map(({ end }) => end?.mark === 'end' && end.code),
  };
};

export const stepsContract = (test: ContractTest): void => {
  test('steps run in their order, and each is told where it begins and ends (R-WRK-24, R-WRK-161)', [], async (given) => {
    const fake = { FAKE_STEP_STDOUT_one: '1\n', FAKE_STEP_STDOUT_two: '2\n', FAKE_STEP_STDERR_two: 'e\n' };
    const steps = [step('one', 'echo 1'), step('two', 'echo 2; echo e >&2'), step('three', '')];
    const { steps: seen, exit, outside, marks } = await driven(given, stageOf(steps, { fake }));
    assert.deepEqual(
      seen.map(({ step: id, stdout, stderr }) => [id, stdout, stderr]),
      [
        ['one', '1\n', ''],
        ['two', '2\n', 'e\n'],
        ['three', '', ''],
      ],
    );
    assert.deepEqual([outside, exit], ['', { code: 0, oom: false }]);
    assert.equal(marks.join(', '), 'begin one, end one, begin two, end two, begin three, end three');
  });

  test(
    'the first step that fails is the last, and its code is the stage’s; those after run all the same (R-WRK-25, R-WRK-48)',
    [],
    async (given) => {
      const fake = { FAKE_STEP_EXIT_bad: '2', FAKE_STEP_EXIT_worse: '5' };
      const steps = [step('good', 'true'), step('bad', 'return 2'), step('never', 'true')];
      const after = [step('tidy', 'true'), step('worse', 'exit 5'), step('unreached', 'true')];
      const { marks, codes, exit } = await driven(given, stageOf(steps, { after, fake }));
      assert.deepEqual(
        marks.filter((mark) => mark.startsWith('begin')).map((mark) => mark.slice(6)),
        ['good', 'bad', 'tidy', 'worse'],
      );
      assert.deepEqual(codes, [0, 2, 0, 5]);
      assert.equal(exit.code, 2);
      const passing = await driven(
        given,
        stageOf([step('good', 'true')], { after: [step('worse', 'false')], fake: { FAKE_STEP_EXIT_worse: '1' } }),
      );
      assert.deepEqual([passing.codes, passing.exit.code], [[0, 1], 0]);
    },
  );

  test('what a step leaves in the shell is there for the next, in the same container (R-WRK-56, R-WRK-161)', ['a shell'], async (given) => {
    const one = step('one', 'plain=p; export OUT=o; f() { echo "f of $1"; }; cd /tmp; umask 077; hostname > /tmp/host; set -x; set -e');
    const two = step('two', 'echo "$plain $OUT $(f x) $PWD $(umask)"; [ "$(hostname)" = "$(cat /tmp/host)" ]; false; echo on');
    const { steps, exit } = await driven(given, { ...stageOf([one, two]), workdir: '/home' });
    assert.equal(steps[1]?.stdout, 'p o f of x /home 0077\non\n');
    assert.match(steps[1]?.stderr ?? '', /^\+.*echo/m);
    assert.doesNotMatch(steps.map(({ stderr }) => stderr).join(''), /__cion_(end|begin|mark|close)|printf/);
    assert.equal(exit.code, 0);
  });

  test('a step that ends its shell is known, with its code; exit 0 passes, and exports stay (R-WRK-162)', ['a shell'], async (given) => {
    const ends: Readonly<Record<string, number>> = {
      'set -e; false; echo no': 1,
      'exit 3': 3,
      'exec sh -c "exit 4"': 4,
      'set -u; echo "$no_such_variable"; echo no': -1,
      'kill -9 $$': 137,
      'trap "echo mine" EXIT; exit 6': 6,
      'printf() { :; }; echo() { :; }; false': 1,
      'if true; then': -1,
    };
    for (const [script, code] of Object.entries(ends)) {
      const { steps, exit, marks } = await driven(given, stageOf([step('a', 'true'), step('b', script), step('c', 'echo no')]));
      assert.deepEqual(marks, ['begin a', 'end a', 'begin b', 'end b'], script);
      if (code < 0) assert.notEqual(exit.code, 0, script);
      else assert.equal(exit.code, code, script);
      assert.ok(steps[1]?.end?.mark === 'end' && steps[1].end.code === exit.code, script);
      assert.doesNotMatch(steps[1].stdout, /no/);
    }
    const odd = 'a\'b\n"$c\\ \té';
    for (const last of ['exit 0', 'exec true', 'trap : EXIT; exit 0', 'set -e; exit']) {
      const steps = [
        step('a', `export ODD="$GIVEN" EARLY=1; unset HOME`),
        step('b', `export LATE=2; ${last}`, { variables: vars({ MINE: literal('m') }) }),
        step('c', 'printf "%s|%s|%s|%s" "$ODD" "$EARLY" "$MINE" "$HOME"; pwd'),
      ];
      const { steps: seen, exit } = await driven(given, {
        ...stageOf(steps, { variables: vars({ GIVEN: literal(odd) }) }),
        workdir: '/home',
      });
      assert.equal(Buffer.from(seen[2]?.stdout ?? '', 'latin1').toString(), `${odd}|1||/home\n`, last);
      assert.equal(exit.code, 0, last);
    }
  });

  test('values are exact, and what is expanded runs nothing', ['a shell'], async (given) => {
    const odd = ' $HOME `id` $(id) "q" \'s\' \\ \\n\n\ttwo\r * ü é ${X:-y} ! ';
    const variables = vars({
      ODD: literal(odd),
      AGAIN: expanded('$ODD'),
      BRACED: expanded('<${AGAIN}>'),
      TEXT: expanded('$(id) `id` "q" \\ \\$HOME $1 $$ $? ${ODD!} ${!ODD} ${ODD@P} $'),
      OR: expanded('${NOT:-d $(id) `id` "q" ${ODD2:-n}} ${NOT-} ${ODD:+set}'),
      CUT: expanded("${TEXT#'<(id)} ${TEXT%%$(id)*}|"),
    });
    const print = step('print', 'printf "%s\\0" "$ODD" "$AGAIN" "$BRACED" "$TEXT" "$OR"');
    const { steps, exit } = await driven(given, stageOf([print], { variables }));
    assert.equal(exit.code, 0, steps[0]?.stderr);
    assert.deepEqual(
      Buffer.from(steps[0]?.stdout ?? '', 'latin1')
        .toString()
        .split('\0'),
      [
        odd,
        odd,
        `<${odd}>`,
        `$(id) \`id\` "q" \\ \\$HOME $1 $$ $? \${ODD!} \${!ODD} \${ODD@P} $`.replace('\\$HOME', '\\/root'),
        'd $(id) `id` "q" n  set',
        '',
      ],
    );
  });

  test('the variables of a step are taken back after it', ['a shell'], async (given) => {
    const mine = vars({ A: literal('step'), B: expanded('$A-$SET'), C: literal('c') });
    const show = 'echo "$A|$B|$C|$SET"; sh -c \'echo "$A|$B"\'';
    const steps = [step('a', `SET=s; ${show}`), step('b', show, { variables: mine }), step('c', show)];
    const { steps: seen } = await driven(given, stageOf(steps, { variables: vars({ A: literal('base') }) }));
    assert.deepEqual(
      seen.map(({ stdout }) => stdout),
      ['base|||s\nbase|\n', 'step|step-s|c|s\nstep|step-s\n', 'base|||s\nbase|\n'],
    );
  });

  test('any bytes are split exactly: none at the end of a line, NUL, CR, half of a mark, a closed stdout', ['a shell'], async (given) => {
    const scripts = [
      'printf "no end"; printf err >&2',
      'printf "a\\000b\\r\\377\\036"; printf "\\036" >&2',
      'printf "\\036\\036x"',
      'exec >/tmp/file; echo hidden',
      'exec >&- 2>&-',
      'echo back; echo too >&2',
      'exec 7>&- 8>&- 9>&-; IFS=x; set -f; set -C; alias printf=false; PATH=/nowhere; readonly n=1',
      'echo still',
    ];
    const { steps, exit, outside } = await driven(given, stageOf(scripts.map((script, index) => step(`s${index}`, script))));
    assert.deepEqual(steps.map(({ stdout }) => stdout).slice(0, 7), ['no end', 'a\0b\r\xff\x1e', '\x1e\x1ex', '', '', 'back\n', '']);
    assert.deepEqual(steps.map(({ stderr }) => stderr).slice(0, 6), ['err', '\x1e', '', '', '', 'too\n']);
    assert.deepEqual([exit.code, outside, steps.length], [0, '', 8]);
  });

  test('a script of a megabyte and a step’s stdin, which is empty', ['a shell'], async (given) => {
    const long = `${'# a long line of a comment that nobody reads\n'.repeat(25_000)}cat; echo read`;
    const { steps } = await driven(given, stageOf([step('long', long)]));
    assert.equal(steps[0]?.stdout, 'read\n');
  });

  test('cwd is below the working directory, variables in it are filled, and one that is not there fails', ['a shell'], async (given) => {
    const steps = [
      step('a', 'mkdir -p "x y/z"'),
      step('b', 'pwd', { cwd: '$DIR/z', variables: vars({ DIR: literal('x y') }) }),
      step('c', 'pwd'),
      step('d', 'echo no', { cwd: 'none' }),
    ];
    const { steps: seen, exit } = await driven(given, { ...stageOf(steps), workdir: '/home' });
    assert.deepEqual(
      seen.map(({ stdout }) => stdout),
      ['', '/home/x y/z\n', '/home\n', ''],
    );
    assert.match(seen[3]?.stderr ?? '', /none/);
    assert.notEqual(exit.code, 0);
  });

  test('those after are told the result, in a new shell with the first variables', ['a shell'], async (given) => {
    const show = step('show', 'echo "$CION_RESULT|$CION_FAILED_STEP|$CION_FAILED_STEP_ID|$CION_FAILED_STEP_MESSAGE|$BASE|$LATER"; exit 0');
    const again = step('again', 'echo "$CION_RESULT"');
    const variables = vars({ BASE: literal('b') });
    const bad = step('bad', `export LATER=l; printf 'it is "bad"\\n' > "$CION_REPORT_DIR/message.txt"; exit 9`, { name: "the 'bad' one" });
    const failed = await driven(given, stageOf([bad], { after: [show, again], variables }));
    assert.equal(failed.steps[1]?.stdout, `failed|the 'bad' one|bad|it is "bad"|b|\n`);
    assert.equal(failed.steps[2]?.stdout, 'failed\n');
    const passed = await driven(given, stageOf([step('good', 'export LATER=l')], { after: [show], variables }));
    assert.equal(passed.steps[1]?.stdout, 'passed||||b|\n');
  });

  test('the message and the numbers of a step come with its end', ['a shell'], async (given) => {
    const report =
      'cd "$CION_REPORT_DIR"; ls; printf "two\\nlines\\n" > message.txt; printf "# c\\n[s]\\na = 1.5\\nb=x y\\n" > numbers.ini; exit 1';
    const { steps } = await driven(given, stageOf([step('quiet', 'true'), step('loud', report)]));
    assert.deepEqual(steps[0]?.end, { mark: 'end', step: 'quiet', code: 0 });
    assert.deepEqual(steps[1]?.end, { mark: 'end', step: 'loud', code: 1, message: 'two\nlines', numbers: { a: '1.5', b: 'x y' } });
    assert.equal(steps[1]?.stdout, 'artifacts\n');
  });

  test('background processes live from step to step, and nothing waits for them', ['a shell'], async (given) => {
    const steps = [step('a', '(while :; do sleep 1; done) & echo $! > /tmp/pid'), step('b', 'kill -0 "$(cat /tmp/pid)" && echo alive')];
    const { steps: seen, exit } = await driven(given, stageOf(steps));
    assert.deepEqual([seen[1]?.stdout, exit.code], ['alive\n', 0]);
  });

  for (const user of [undefined, '1234:1234']) {
    test(
      `interrupt ends the step that runs, whoever its processes are; those after run; ${user ?? 'root'} (R-WRK-48, R-WRK-173)`,
      [],
      async (given) => {
        const { item, prepare, start, signal } = given;
        const fake = { FAKE_STEP_SLEEP_MS_slow: '3600000' };
        const slow = step('slow', "trap '' TERM INT; sleep 600 & while :; do sleep 600; done");
        const one = item({
          ...stageOf([slow, step('never', '')], { after: [step('after', 'true')], fake }),
          ...(user === undefined ? {} : { user }),
        });
        await prepare(one);
        const execution = await start(one);
        const { marks, steps } = await told(execution, signal, fromTheBeginning, async (id) => {
          if (id === 'slow') await execution.interrupt();
        });
        assert.deepEqual(marks, ['begin slow', 'end slow', 'begin after', 'end after']);
        assert.ok(steps[0]?.end?.mark === 'end' && steps[0].end.code === 137);
        assert.deepEqual(await execution.exit, { code: 137, oom: false });
      },
    );
  }

  test('stop ends all of it, without those after', [], async (given) => {
    const { item, prepare, start, signal } = given;
    const fake = { FAKE_STEP_SLEEP_MS_slow: '3600000' };
    const one = item(stageOf([step('slow', 'sleep 600')], { after: [step('after', 'true')], fake }));
    await prepare(one);
    const execution = await start(one);
    const { marks } = await told(execution, signal, fromTheBeginning, () => execution.stop(20_000));
    assert.ok(!marks.includes('begin after'));
    assert.equal((await execution.exit).code, 143);
  });

  test('another process is told the rest, every byte once', [], async (given) => {
    const { item, prepare, start, subject, signal } = given;
    const fake = { FAKE_STEP_STDOUT_a: 'from a\n', FAKE_STEP_STDERR_b: 'from b\n', FAKE_STEP_STDOUT_c: 'from c\n' };
    const one = item(stageOf([step('a', 'echo from a'), step('b', 'echo from b >&2'), step('c', 'echo from c')], { fake }));
    await prepare(one);
    const execution = await start(one);
    const whole = await told(execution, signal);
    const seen = async (from: LogPosition): Promise<Told> => {
      const attached = await subject.another().attach(one, signal);
      assert.ok(attached.kind === 'live');
      assert.equal((await attached.execution.exit).code, 0);
      return told(attached.execution, signal, from);
    };
    assert.deepEqual(await seen(fromTheBeginning), whole);
    const rest = await seen({ stdout: 9, stderr: 3 });
    assert.deepEqual([rest.stdout, rest.stderr], ['rom c\n'.slice(1).padStart(5), 'm b\n']);
    assert.deepEqual(rest.marks, ['end c']);
    const late = await seen({ stdout: 7, stderr: 3 });
    assert.deepEqual([late.stdout, late.stderr, late.marks], ['from c\n', 'm b\n', ['end b', 'begin c', 'end c']]);
    await throwsCode(seen({ stdout: 999, stderr: 0 }), 'LOG_GAP');
  });

  test('a thousand steps', ['a shell'], async (given) => {
    const { marks, exit } = await driven(given, stageOf(Array.from({ length: 1000 }, (_, index) => step(`s${index}`, ':'))));
    assert.deepEqual([marks.length, exit.code], [2000, 0]);
  });

  test('ENTRYPOINT is passed over, USER is obeyed, and directories are his', ['built images'], async (given) => {
    const { runtime, run, subject, signal } = given;
    const dockerfile = `FROM ${subject.image}\nUSER 4321:4321\nENTRYPOINT ["/bin/false"]\n`;
    await runtime.write({ run, volume: 'source' }, tarOf({ name: 'Dockerfile', content: dockerfile }), signal);
    const stage = stageOf(
      [step('a', 'id -u; touch /pipeline/source/file "$CION_REPORT_DIR/artifacts/x"'), step('b', 'exit 0'), step('c', 'pwd; false')],
      {
        after: [step('d', 'echo "$CION_RESULT"')],
      },
    );
    const { steps, exit, execution } = await driven(given, {
      ...stage,
      image: { kind: 'build', volume: 'source', context: '.', dockerfile: 'Dockerfile' },
      directories: ['/pipeline', '/pipeline/source'],
      workdir: '/pipeline/source',
    });
    assert.deepEqual([steps.map(({ stdout }) => stdout), exit.code], [['4321\n', '', '/pipeline/source\n', 'failed\n'], 1]);
    const taken = await execution.take('/report/a', signal);
    assert.ok(taken !== undefined);
    assert.deepEqual([...(await untar(taken)).keys()].sort(), ['artifacts', 'artifacts/x']);
  });

  test('directories are taken out of an ended container; links and files are none', ['a shell'], async (given) => {
    const { signal } = given;
    const make = step(
      'make',
      'mkdir -p /out/in; echo x > "/out/in/a file"; ln -s /etc /out/link; ln -s in /out/in-link; echo f > /out/file',
    );
    const { execution } = await driven(given, stageOf([make]));
    const taken = await execution.take('/out', signal);
    assert.ok(taken !== undefined);
    const entries = await untar(taken);
    assert.deepEqual([...entries.keys()].sort(), ['file', 'in', 'in-link', 'in/a file', 'link']);
    assert.equal(entries.get('link')?.linkname, '/etc');
    for (const path of ['/none', '/out/file', '/out/link', '/out/in-link', '/out/link/init.d'])
      assert.equal(await execution.take(path, signal), undefined, path);
  });

  test('no secret value is in what the engine tells of the container', ['a shell', 'records'], async (given) => {
    const secret = 'a very odd secret';
    const { item, prepare, start, subject, signal } = given;
    const one = item(
      stageOf([step('a', 'echo "$#$TOKEN" | wc -c')], { variables: [{ name: 'TOKEN', value: { kind: 'secret', name: 'T' } }] }),
    );
    await prepare(one);
    const steps = stageOf([step('a', 'printf %s "$TOKEN" | wc -c')], { variables: vars({ TOKEN: literal(secret) }) }).command;
    const execution = await start(one, { steps });
    assert.equal((await told(execution, signal)).stdout.trim(), String(secret.length));
    assert.doesNotMatch((await subject.records?.(execution.container)) ?? '', new RegExp(secret));
  });

  test('an image without a shell runs no steps, and says so', ['an image without a shell'], async ({ item, prepare, subject }) => {
    const image = { kind: 'reference', reference: subject.imageWithoutShell ?? '' } as const;
    await throwsCode(prepare(item({ ...stageOf([step('a', '')]), image })), 'CONTAINER_START_FAILED', /no \/bin\/sh/);
  });

  test('after each step its container is an image, told with its end (R-WRK-163)', ['built images'], async (given) => {
    const { drive, item } = given;
    const steps = [step('a', 'echo 1 > /made'), step('b', 'echo 2 > /made; exit 0'), step('c', 'echo 3 > /made; kill -9 $$')];
    const { steps: seen, exit } = await driven(given, { ...stageOf(steps), commit: { names: [], steps: true } });
    const images = seen.map(({ end }) => (end?.mark === 'end' ? (end.image?.reference ?? '') : ''));
    const made: string[] = [];
    for (const image of images) {
      made.push(
        (
          await drive(
            item({ command: { kind: 'shell', script: 'cat /made; ls /.cion/steps' }, image: { kind: 'reference', reference: image } }),
          )
        ).text,
      );
    }
    assert.deepEqual([made, exit.code], [['1\n', '2\n', '3\n'], 137]);
  });

  test(
    'a step that cion carries out is one like others: its words stand between its marks, and its no ends the steps',
    ['a shell'],
    async (given) => {
      const kill = step('kill', '', { action: { kind: 'internal', what: 'kill', options: { name: '$NAME' } } });
      const after = [step('last', 'echo "$CION_FAILED_STEP_ID $CION_FAILED_STEP_MESSAGE"')];
      const { steps: seen, exit } = await driven(
        given,
        stageOf([step('a', 'export NAME=nobody'), kill, step('b', 'echo never')], { after }),
      );
      const [, killed, last] = seen;
      assert.deepEqual(
        seen.map((one) => one.step),
        ['a', 'kill', 'last'],
      );
      assert.match(killed?.stderr ?? '', /nobody/);
      assert.ok(killed?.end?.mark === 'end' && killed.end.code === 1);
      assert.match(last?.stdout ?? '', /^kill .*nobody/);
      assert.equal(exit.code, 1);
    },
  );
};
