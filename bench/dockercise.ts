import { dockerciseDialect } from '../src/dialects/dockercise/dockercise.ts';
import type { Plan } from '../src/plan/plan.ts';
import { image } from './docker.ts';

const compiled = (stages: Readonly<Record<string, object>>): Plan => {
  const text = JSON.stringify(Object.fromEntries(Object.entries(stages).map(([name, keys]) => [name, { img: image, ...keys }])));
  const result = dockerciseDialect.compile([{ path: 'dockercise.yaml', bytes: Buffer.from(text) }]);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.plan;
};

/** Each stage is given by a variable what the one before wrote. */
export const chainByEnv = (count: number): Plan =>
  compiled(
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `s${i}`,
        i === 0 ? { run: 'echo 0' } : { env: [`s${i - 1}`], run: `echo "$S${i - 1} ${i}"` },
      ]),
    ),
  );

/** One stage leaves files, another is given them. */
export const handOver = (files: number, bytes: number): Plan =>
  compiled({ producer: { run: writing(files, bytes) }, consumer: { vol: 'producer', run: 'ls producer | wc -l' } });

/** A script that writes so many files of so many bytes in all, in a hundred directories. */
export const writing = (files: number, bytes: number): string => `
set -e
mkdir $(seq 100)
head -c ${Math.round((bytes / files) * 0.75)} /dev/urandom | base64 | tr -d '\\n' | awk '{
  for (file = 0; file < ${files}; file++) {
    name = (file % 100 + 1) "/" file
    printf "%s", $0 > name
    close(name)
  }
}'`;
