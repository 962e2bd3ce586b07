import type { Claimed } from '../../api/worker-protocol.ts';
import { given, type Outside } from '../../engine/given.ts';
import { missingValues, secretsIn } from '../../engine/values.ts';
import type { Plan, Stage } from '../../plan/plan.ts';
import type { Problem } from '../../plan/problem.ts';
import { stagesOf, valuesOf } from '../../plan/stage.ts';
import type { Variables } from '../../planning/given.ts';
import { openSecrets } from '../../planning/open-secrets.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import { keyLines } from '../../secrets/key-lines.ts';
import type { RunRequests } from '../../store/run-requests.ts';
import type { KeptSecret, SecretStore } from '../../store/secrets.ts';
import type { RunRequest } from '../runs/begin-run.ts';
import { requestOf } from '../runs/request-of.ts';
import { SecretError } from './secret-error.ts';
import { secretContext } from './secret-context.ts';
import { type AboutRun, aboutRun, isGivenToRun, isGivenToStage, isUntrusted } from './who-is-given.ts';

export type RunSecretsDeps = {
  readonly secrets: Pick<SecretStore, 'list'>;
  readonly requests: Pick<RunRequests, 'of'>;
  readonly sealer: Pick<Sealer, 'open'>;
};

/** What the runs of a server are given from outside of their plans. Rejects with StoreError, and with SealError rather than giving nothing. */
export type RunSecrets = {
  /** For a run that has no plan yet: what its text may be told of, and what its plan will be given. */
  forPlan(run: BeforePlan): Promise<PlanSecrets>;
  /**
   * What one stage needs: only the names in its text. `redact`: all values that no log of the run may show, also those that were replaced or removed
   * since it began (atk-39). Rejects with SECRET_GONE when the stage is not given any more what it needs.
   */
  outsideOf(state: RunState, stage: Stage): Promise<Claimed['outside'] & Pick<Claimed, 'redact'>>;
};

export type BeforePlan = Pick<RunState, 'project' | 'trigger' | 'createdAt'> & { readonly branch?: string; readonly request: RunRequest };

export type PlanSecrets = {
  readonly variables: Variables;
  /** `file` gives the project's file of secrets at the commit. */
  outside(plan: Plan, file: () => Promise<Uint8Array | undefined>): Promise<Outside>;
  /** A Problem for each value that a stage is not given. After `outside`. */
  missing(plan: Plan, outside: Outside, only: ReadonlySet<string> | undefined): readonly Problem[];
};

export const runSecrets = ({ secrets, requests, sealer }: RunSecretsDeps): RunSecrets => {
  const valueOf = (secret: KeptSecret): string => sealer.open(secret.sealed, secretContext(secret)).toString('utf8');

  /** Those whose name is asked for, or all. */
  const opened = async (
    project: string,
    about: AboutRun,
    further: RunRequest['variables'],
    names?: ReadonlySet<string>,
  ): Promise<Given> => {
    const kept = await secrets.list(project);
    const current = kept.filter(({ retiredAt }) => retiredAt === undefined);
    const isMeant = ({ kind, name }: KeptSecret): boolean => kind === 'identity' || names === undefined || names.has(name);
    const values = current.filter((one) => isMeant(one) && isGivenToRun(one, about)).map((secret) => ({ secret, value: valueOf(secret) }));
    return { kept, values, further: new Map(Object.entries(further ?? {})) };
  };

  const ofRun = async (state: RunState, names: ReadonlySet<string>) => {
    const request = await requests.of(state.run);
    const asked = request === undefined ? undefined : requestOf(request);
    const about = aboutRun(state.trigger, state.plan?.pipeline ?? '', state.fetch.source);
    const found = await opened(state.project, about, asked?.variables, names);
    return { found, file: async () => request?.secretsFile };
  };

  /** Those that the run, as it is now, is not given any more, but may have been. */
  const earlierOf = ({ trigger, createdAt }: RunState, { kept }: Given, names: ReadonlySet<string>): readonly string[] =>
    kept
      .filter(({ kind, name, retiredAt }) => kind === 'secret' && names.has(name) && retiredAt !== undefined && retiredAt >= createdAt)
      .filter(() => !isUntrusted(trigger))
      .map(valueOf)
      .filter((value) => value !== '');

  return {
    forPlan: async ({ project, trigger, branch, request }) => {
      const byPipeline = (pipeline: string) =>
        opened(project, aboutRun(trigger, pipeline, branch === undefined ? {} : { branch }), request.variables);
      const before = await byPipeline(request.pipeline ?? 'build');
      const ofText = outsideFor(before, request.target);
      let found = before;
      const environments = new Map<string | undefined, Outside>();
      return {
        variables: { names: namesFor(before, request.target), variable: (name) => ofText.variable(name) ?? ofText.secret(name) },
        outside: async (plan, file) => {
          found = await byPipeline(plan.pipeline);
          const identities = identitiesOf(found);
          for (const environment of environmentsOf(plan)) {
            environments.set(environment, await openSecrets(outsideFor(found, environment), identities, plan, file));
          }
          return openSecrets(outsideForAll(found), identities, plan, file);
        },
        missing: (plan, outside, only) =>
          stagesOf(plan).flatMap((stage) =>
            missingValues({ ...plan, nodes: [stage] }, environments.get(stage.deploys?.environment) ?? outside, only).map((problem) =>
              withHint(problem, stage, found, trigger),
            ),
          ),
      };
    },

    outsideOf: async (state, stage) => {
      const plan = state.plan ?? planOf([stage]);
      const [asked, ofAll] = [namesAsked([stage]), namesAsked(stagesOf(plan))];
      const { found, file } = await ofRun(state, ofAll);
      const identities = identitiesOf(found);
      const [outside, whole] = await Promise.all([
        openSecrets(outsideFor(found, stage.deploys?.environment), identities, planOf([stage]), file),
        openSecrets(outsideForAll(found), identities, plan, file),
      ]);
      const [gone] = missingValues(planOf([stage]), outside);
      if (gone !== undefined) throw new SecretError('SECRET_GONE', gone.message);
      const encrypted = valuesOf(stage).flatMap((value) => {
        const text = value.kind === 'encrypted' ? given(value, outside) : undefined;
        return value.kind === 'encrypted' && text !== undefined ? [[value.ciphertext, text.value] as const] : [];
      });
      return {
        variables: recordOf(asked, outside.variable),
        secrets: recordOf(asked, outside.secret),
        encrypted: Object.fromEntries(encrypted),
        redact: [...new Set([...secretsIn(plan, whole), ...earlierOf(state, found, ofAll)])],
      };
    },
  };
};

const planOf = (nodes: readonly Stage[]): Plan => ({ version: 1, pipeline: '', volumes: [], nodes });

type Given = {
  readonly kept: readonly KeptSecret[];
  readonly values: readonly { readonly secret: KeptSecret; readonly value: string }[];
  /** Of the request; they go before those of the project. */
  readonly further: ReadonlyMap<string, string>;
};

const outsideFor = (found: Given, environment: string | undefined): Outside =>
  lookUp(found, (one) => isGivenToStage(one.scope, environment));

/** What any stage may have. */
const outsideForAll = (found: Given): Outside => lookUp(found, () => true);

const lookUp = ({ values, further }: Given, isGiven: (secret: KeptSecret) => boolean): Outside => {
  const of = (kind: KeptSecret['kind']): ReadonlyMap<string, string> =>
    new Map(values.filter(({ secret }) => secret.kind === kind && isGiven(secret)).map(({ secret, value }) => [secret.name, value]));
  const [variables, secrets] = [of('variable'), of('secret')];
  return { variable: (name) => further.get(name) ?? variables.get(name), secret: (name) => secrets.get(name) };
};

const namesFor = ({ values, further }: Given, environment: string | undefined): readonly string[] => [
  ...new Set([
    ...further.keys(),
    ...values.flatMap(({ secret: { kind, name, scope } }) => (kind !== 'identity' && isGivenToStage(scope, environment) ? [name] : [])),
  ]),
];

const identitiesOf = ({ values }: Given): readonly string[] =>
  values.flatMap(({ secret, value }) => (secret.kind === 'identity' ? keyLines(value).map(({ key }) => key) : []));

const environmentsOf = (plan: Plan): ReadonlySet<string | undefined> => new Set(stagesOf(plan).map(({ deploys }) => deploys?.environment));

/** The names that stages ask for by name: all that a value of theirs may come from. */
const namesAsked = (stages: readonly Stage[]): ReadonlySet<string> =>
  new Set(
    stages
      .flatMap(valuesOf)
      .flatMap((value) =>
        value.kind === 'secret'
          ? [value.name]
          : value.kind === 'outside'
            ? [value.name, ...(value.or === undefined ? [] : [value.or])]
            : [],
      ),
  );

const recordOf = (names: ReadonlySet<string>, get: (name: string) => string | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...names].flatMap((name) => {
      const value = get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

/** A server has no options and no environment of its own for stages. */
const withHint = (problem: Problem, stage: Stage, { kept }: Given, trigger: RunState['trigger']): Problem => {
  switch (problem.code) {
    case 'VARIABLE_MISSING':
    case 'SECRET_MISSING': {
      const asked = namesAsked([stage]);
      const isThere = kept.some(
        ({ kind, name, retiredAt }) =>
          kind === 'secret' && retiredAt === undefined && asked.has(name) && problem.message.includes(` ${name},`),
      );
      return {
        ...problem,
        hint: isUntrusted(trigger) ? ofForks : isThere ? 'The project has it, but its limits keep it from this run or this stage.' : addIt,
      };
    }
    case 'SECRET_KEY_MISSING':
      return { ...problem, hint: isUntrusted(trigger) ? ofForks : 'Give the project its age identity: cion secret set --identity.' };
    default:
      return problem;
  }
};

const addIt = 'Add it to the project: cion secret set.';
const ofForks = 'Runs of pull requests from forks are given no secrets.';
