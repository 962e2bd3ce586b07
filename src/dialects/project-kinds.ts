/** What a project's tree tells of how it is built. */
export type Tree = {
  has(path: string): boolean;
  /** Empty when there is no such file. */
  read(path: string): string;
};

export type Suggestion = {
  /** What was found, for the first comment. */
  readonly found: string;
  readonly image: string;
  readonly build: readonly string[];
  readonly test?: readonly string[];
  /** Further keys of `build`, as lines of YAML. */
  readonly more?: readonly string[];
};

type Kind = (tree: Tree) => Suggestion | undefined;

const node: Kind = (tree) => {
  if (!tree.has('package.json')) return undefined;
  const scripts = scriptsOf(tree.read('package.json'));
  const { install, run, setup } = packageManagerOf(tree);
  const version = firstMatch(tree.read('.nvmrc'), /^v?(\d{1,3})\b/) ?? '24';
  const tests = scripts.has('test');
  return {
    found: 'package.json',
    image: run === 'bun run' ? 'oven/bun:1' : `node:${version}`,
    build: [...setup, install, ...(scripts.has('build') ? [`${run} build`] : []), copyDirectories('dist', 'build')],
    ...(tests ? { test: [...setup, `${run} test`] } : {}),
  };
};

const packageManagerOf = (tree: Tree): { readonly install: string; readonly run: string; readonly setup: readonly string[] } => {
  if (tree.has('bun.lock') || tree.has('bun.lockb')) return { install: 'bun install --frozen-lockfile', run: 'bun run', setup: [] };
  const setup = ['npm install --global corepack && corepack enable'];
  if (tree.has('pnpm-lock.yaml')) return { install: 'pnpm install --frozen-lockfile', run: 'pnpm run', setup };
  if (tree.has('yarn.lock')) return { install: 'yarn install', run: 'yarn run', setup };
  return { install: tree.has('package-lock.json') ? 'npm ci' : 'npm install', run: 'npm run', setup: [] };
};

/** Without the test script of `npm init`, which only fails. */
const scriptsOf = (packageJson: string): ReadonlySet<string> => {
  const scripts = property(parseJson(packageJson), 'scripts');
  if (typeof scripts !== 'object' || scripts === null) return new Set();
  return new Set(Object.entries(scripts).flatMap(([name, script]) => (isScript(script) ? [name] : [])));
};

const isScript = (script: unknown): boolean => typeof script === 'string' && !script.includes('no test specified');

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;

const go: Kind = (tree) =>
  tree.has('go.mod')
    ? {
        found: 'go.mod',
        image: `golang:${firstMatch(tree.read('go.mod'), /^go (\d{1,2}\.\d{1,3})/m) ?? '1'}`,
        build: ['go build -o "$ARTIFACTS_DIR/" ./...'],
        test: ['go vet ./...', 'go test ./...'],
      }
    : undefined;

const rust: Kind = (tree) =>
  tree.has('Cargo.toml')
    ? {
        found: 'Cargo.toml',
        image: 'rust:1',
        build: ['cargo build --release', 'find target/release -maxdepth 1 -type f -perm -u+x -exec cp {} "$ARTIFACTS_DIR" \\;'],
        test: ['cargo test --release'],
      }
    : undefined;

const python: Kind = (tree) => {
  const found = ['pyproject.toml', 'requirements.txt', 'setup.py'].find((file) => tree.has(file));
  if (found === undefined) return undefined;
  const packaged = found !== 'requirements.txt';
  const tested = tree.has('tests') || tree.has('test') || tree.has('pytest.ini') || tree.has('conftest.py');
  return {
    found,
    image: `python:${firstMatch(tree.read('.python-version'), /^(3\.\d{1,2})\b/) ?? '3'}`,
    build: [
      'python -m venv .venv',
      ...(tree.has('requirements.txt') ? ['.venv/bin/pip install -r requirements.txt'] : []),
      ...(packaged ? ['.venv/bin/pip install build', '.venv/bin/python -m build --outdir "$ARTIFACTS_DIR"'] : []),
    ],
    ...(tested
      ? { test: [...(packaged ? ['.venv/bin/pip install -e .'] : []), '.venv/bin/pip install pytest', '.venv/bin/python -m pytest'] }
      : {}),
  };
};

const ruby: Kind = (tree) => {
  if (!tree.has('Gemfile')) return undefined;
  const test = tree.has('spec') ? 'bundle exec rspec' : tree.has('Rakefile') ? 'bundle exec rake' : undefined;
  const setup = 'bundle config set --local path vendor/bundle';
  return {
    found: 'Gemfile',
    image: `ruby:${firstMatch(tree.read('.ruby-version'), /^(?:ruby-)?(\d{1,2}\.\d{1,2})\b/) ?? '3'}`,
    build: [setup, 'bundle install'],
    ...(test === undefined ? {} : { test: [setup, test] }),
  };
};

const maven: Kind = (tree) =>
  tree.has('pom.xml')
    ? {
        found: 'pom.xml',
        image: 'maven:3-eclipse-temurin-21',
        build: ['mvn --batch-mode package -DskipTests', 'cp target/*.jar "$ARTIFACTS_DIR"'],
        test: ['mvn --batch-mode test'],
      }
    : undefined;

const gradle: Kind = (tree) => {
  const found = ['build.gradle', 'build.gradle.kts'].find((file) => tree.has(file));
  if (found === undefined) return undefined;
  const wrapped = tree.has('gradlew');
  const command = wrapped ? 'sh ./gradlew' : 'gradle';
  return {
    found,
    image: wrapped ? 'eclipse-temurin:21' : 'gradle:8-jdk21',
    build: [`${command} --no-daemon assemble`, 'cp build/libs/*.jar "$ARTIFACTS_DIR"'],
    test: [`${command} --no-daemon test`],
  };
};

const php: Kind = (tree) =>
  tree.has('composer.json')
    ? {
        found: 'composer.json',
        image: 'composer:2',
        build: ['composer install --no-interaction'],
        ...(tree.has('phpunit.xml') || tree.has('phpunit.xml.dist') ? { test: ['vendor/bin/phpunit'] } : {}),
      }
    : undefined;

const make: Kind = (tree) => {
  if (!tree.has('Makefile')) return undefined;
  const target = firstMatch(tree.read('Makefile'), /^(test|check)\s*:(?!=)/m);
  return {
    found: 'Makefile',
    image: 'gcc:15',
    build: ['make', copyDirectories('build', 'dist')],
    ...(target === undefined ? {} : { test: [`make ${target}`] }),
  };
};

/** The image is built by an engine of its own beside the stage. */
const dockerfile: Kind = (tree) =>
  tree.has('Dockerfile')
    ? {
        found: 'Dockerfile',
        image: 'docker:28-cli',
        build: ['docker build --tag project .', 'docker save project --output "$ARTIFACTS_DIR/image.tar"'],
        more: [
          'env:',
          '  DOCKER_HOST: tcp://engine:2375',
          'services:',
          '  engine:',
          '    image: docker:28-dind',
          '    privileged: true',
          '    env: { DOCKER_TLS_CERTDIR: "" }',
          '    ready: { port: 2375 }',
        ],
      }
    : undefined;

/** The first that fits is taken: languages before what may only wrap them. */
const kinds = { node, go, rust, python, ruby, maven, gradle, php, make, dockerfile } as const;

export type Language = keyof typeof kinds;

/** What a tree is, and how it is built; `output` is the variable with the directory for what is to be kept. */
export const kindOf = (
  tree: Tree,
  output = 'ARTIFACTS_DIR',
): { readonly language: Language; readonly suggestion: Suggestion } | undefined => {
  for (const [language, kind] of Object.entries(kinds) as [Language, Kind][]) {
    const suggestion = kind(tree);
    if (suggestion !== undefined) return { language, suggestion: { ...suggestion, build: suggestion.build.map(keptIn(output)) } };
  }
  return undefined;
};

const keptIn =
  (output: string) =>
  (line: string): string =>
    line.replaceAll('$ARTIFACTS_DIR', `$${output}`);

const copyDirectories = (...names: readonly string[]): string =>
  `for made in ${names.join(' ')}; do if [ -d "$made" ]; then cp -r "$made" "$ARTIFACTS_DIR"; fi; done`;

const firstMatch = (text: string, form: RegExp): string | undefined => form.exec(text)?.[1];
