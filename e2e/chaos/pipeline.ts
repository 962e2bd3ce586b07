import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the stages of a run: four in a diamond, one behind a gate, one that tidies up. `right` says no the first time that it runs. */
export const stages = ['make', 'left', 'right', 'join', 'deploy', 'tidy'] as const;

const perPart = 100;
const parts = 20;

/** What a stage that passes writes, byte for byte. */
export const logOf = (stage: string): string => {
  const numbers = Array.from({ length: perPart * parts }, (_, i) => `${i + 1}\n`).join('');
  return `begin ${stage}\n${numbers}end ${stage}\n`;
};

/** Each stage tells the witness that it begins before all else, and that it ends after all else. */
const script = (stage: string, before: string): string => `
    set -e
    echo begin >> "/witness/$RUN_NAME.${stage}"
    ${before}
    echo "begin ${stage}"
    part=0
    while [ $part -lt ${parts} ]; do
      seq $((part * ${perPart} + 1)) $((part * ${perPart} + ${perPart}))
      usleep 30000
      part=$((part + 1))
    done
    echo "end ${stage}"
    seq 1 5000 > ${stage}.txt
    echo end >> "/witness/$RUN_NAME.${stage}"`;

const handedOver = (stage: string): string => `test "$(tail -n 1 ${stage}/${stage}.txt)" = 5000`;

/** In dockercise.yaml. What goes wrong with the platform is tried again, as it would be by who wants their deployment. */
export const pipelineOf = (witness: string): string => {
  const stage = (name: string, keys: string, volumes: readonly string[], before: string): string => `
${name}:
  img: busybox:latest
  env: [RUN_NAME]
  retry: { attempts: 8, on: [errored${name === 'right' ? ', failed' : ''}] }
  vol: [${[...volumes, `${witness}:/witness`].join(', ')}]${keys}
  run: |${script(name, before)}
`;
  const readsOutput = `test "$(tail -n 1 out/make)" = "end make"`;
  return [
    stage('make', '', [], ':'),
    stage('left', '', ['make'], `${handedOver('make')}; ${readsOutput}`),
    stage('right', '', [], `${readsOutput}; test "$(grep -c begin "/witness/$RUN_NAME.right")" -gt 1`),
    stage('join', '', ['left', 'right'], `${handedOver('left')}; ${handedOver('right')}`),
    stage('deploy', '\n  after: [human-click]', ['join'], handedOver('join')),
    stage('tidy', '\n  finally: deploy', [], ':'),
  ].join('');
};

/** How often a stage of that run began and ended, as it says itself. */
export const witnessed = (witness: string, run: string, stage: string): { readonly begins: number; readonly ends: number } => {
  const file = join(witness, `${run}.${stage}`);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return { begins: lines.filter((line) => line === 'begin').length, ends: lines.filter((line) => line === 'end').length };
};
