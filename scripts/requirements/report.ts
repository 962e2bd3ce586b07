import type { Evidence } from './evidence.ts';

/** By id: the requirement in one sentence. */
export type Ids = Readonly<Record<string, string>>;

/**
 * By id, what somebody answers for. `proven`: tests must name it. `later`: not all of it yet, and why. `refused`: never, and why.
 */
export type Claims = Readonly<Record<string, Claim>>;
type Claim = { readonly state: 'proven' } | { readonly state: 'later' | 'refused'; readonly reason: string };

type State = 'proven' | 'in part' | 'later' | 'refused' | 'not yet';
const states: readonly State[] = ['proven', 'in part', 'later', 'refused', 'not yet'];

const families = [
  ['CIO', 'cion'],
  ['DCK', 'dockercise'],
  ['DCO', 'dockercise as a service'],
  ['WRK', 'wercker'],
  ['WLD', 'workload'],
] as const;

/** What cannot be true, one sentence each. */
export const contradictions = (ids: Ids, claims: Claims, evidence: readonly Evidence[]): readonly string[] => [
  ...evidence.filter(({ id }) => !(id in ids)).map(({ id, test, file }) => `${file}: "${test}" names ${id}, which is no requirement`),
  ...Object.entries(claims).flatMap(([id, { state }]) => {
    if (!(id in ids)) return [`claims.json names ${id}, which is no requirement`];
    const isNamed = evidence.some((each) => each.id === id);
    if (state === 'proven' && !isNamed) return [`${id} is claimed to be proven, and no test names it`];
    if (state === 'refused' && isNamed) return [`${id} is claimed to be refused, and a test names it`];
    return [];
  }),
];

/** docs/requirements.md. */
export const report = (ids: Ids, claims: Claims, evidence: readonly Evidence[]): string => {
  const rows = Object.entries(ids).map(([id, title]) => {
    const tests = evidence.filter((each) => each.id === id);
    return { id, title, tests, state: stateOf(claims[id], tests), claim: claims[id] };
  });
  const inFamily = (family: string) => rows.filter(({ id }) => id.startsWith(`R-${family}-`));
  return [
    '# Requirements',
    '',
    'What was asked for, and the tests that prove it. Written by `npm run requirements` from the names of the tests,',
    '[ids.json](requirements/ids.json) and [claims.json](requirements/claims.json): do not edit it.',
    '',
    `| | ${states.join(' | ')} | all |`,
    `| --- |${' ---: |'.repeat(states.length + 1)}`,
    ...families.map(([family, name]) => {
      const all = inFamily(family);
      const counts = states.map((state) => all.filter((row) => row.state === state).length);
      return `| [${name}](#${name.replaceAll(' ', '-')}) | ${counts.join(' | ')} | ${all.length} |`;
    }),
    ...families.flatMap(([family, name]) => [
      '',
      `## ${name}`,
      '',
      '| id | requirement | state |',
      '| --- | --- | --- |',
      ...inFamily(family).map(({ id, title, state, tests, claim }) => {
        const reason = claim !== undefined && 'reason' in claim ? [claim.reason] : [];
        return `| ${id} | ${cell(title)} | ${[`**${state}**`, ...reason, ...tests.map(shown)].map(cell).join('<br>')} |`;
      }),
    ]),
    '',
  ].join('\n');
};

const stateOf = (claim: Claim | undefined, tests: readonly Evidence[]): State => {
  const isNamed = tests.length > 0;
  if (claim?.state === 'refused') return 'refused';
  if (claim?.state === 'later') return isNamed ? 'in part' : 'later';
  return isNamed ? 'proven' : 'not yet';
};

const shown = ({ test, file }: Evidence): string => `${test} (${file})`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('${', '$\\{');
