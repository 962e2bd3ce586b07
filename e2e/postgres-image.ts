import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { After } from './engine.ts';
import { addProgram, smallImage } from './machine-image.ts';

const root = '/usr/lib/postgresql';

/** The newest Postgres of this machine: `15`. */
const version = (): string | undefined =>
  (existsSync(root) ? readdirSync(root) : [])
    .filter((one) => existsSync(join(root, one, 'bin', 'initdb')))
    .sort((one, other) => Number(other) - Number(one))[0];

export const whyNoPostgresImage = (): string | false =>
  version() === undefined ? 'Postgres is not installed (Debian: postgresql)' : false;

/** What the official image does with its variables, as far as a compose file uses it: a first database when there is none, then Postgres, not as root. */
const entrypoint = (bin: string): string => `#!/bin/sh
set -e
data=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
  if [ -n "$POSTGRES_PASSWORD_FILE" ]; then export POSTGRES_PASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"; fi
  mkdir -p $data /var/run/postgresql
  chown 70:70 $data /var/run/postgresql
  chmod 700 $data
  exec /usr/bin/setpriv --reuid=70 --regid=70 --clear-groups sh "$0"
fi
PATH=${bin}:$PATH
if [ ! -s $data/PG_VERSION ]; then
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  initdb -D $data -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --no-locale -E UTF8
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>$data/pg_hba.conf
  pg_ctl -D $data -o "-c listen_addresses=" -w start
  createdb -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -D $data -m fast -w stop
fi
unset POSTGRES_PASSWORD
exec postgres -D $data -c listen_addresses='*'
`;

/** Stands for `postgres` of the registries; gone after the test. */
export const postgresImage = (t: After, name: string): Promise<string> => {
  const own = version() ?? '';
  const bin = join(root, own, 'bin');
  const share = join('/usr/share/postgresql', own);
  return smallImage(
    t,
    name,
    ['setpriv'],
    (folder) => {
      for (const program of ['postgres', 'initdb', 'pg_ctl', 'createdb', 'pg_isready']) {
        addProgram(folder, join(bin, program), join(bin, program));
      }
      addProgram(folder, join(bin, 'pg_isready'), '/usr/bin/pg_isready');
      const isNeeded = (path: string): boolean => !/\/(?:bitcode$|llvmjit)/.test(path);
      for (const tree of [share, join(root, own, 'lib'), '/usr/share/zoneinfo/Etc']) {
        cpSync(tree, join(folder, tree), { recursive: true, filter: isNeeded });
      }
      mkdirSync(join(folder, 'var/lib/postgresql/data'), { recursive: true });
      mkdirSync(join(folder, 'var/run/postgresql'), { recursive: true });
      for (const [file, line] of [
        ['passwd', 'postgres:x:70:70::/var/lib/postgresql:/bin/sh\n'],
        ['group', 'postgres:x:70:\n'],
      ] as const) {
        writeFileSync(join(folder, 'etc', file), line, { flag: 'a' });
      }
      mkdirSync(join(folder, 'usr/local/bin'), { recursive: true });
      writeFileSync(join(folder, 'usr/local/bin/entry'), entrypoint(bin), { mode: 0o755 });
    },
    ['ENTRYPOINT ["entry"]'],
  );
};
