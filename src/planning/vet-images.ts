import { type ImageReference, parseImageReference } from '../plan/image-reference.ts';
import type { ImageSource, Plan, PlanNode, Stage } from '../plan/plan.ts';
import type { Problem, Range } from '../plan/problem.ts';
import type { FoundImage, ImageFinder } from '../runtimes/image-finder.ts';
import { type ImagePolicy, isBare, isOf, isSameImage } from './image-policy.ts';

export type ImageVet = {
  readonly policy: ImagePolicy;
  /** Absent: the runtime knows no images, and only what the text says is judged. */
  readonly find: ImageFinder | undefined;
  /** What the project is called. */
  readonly projects: readonly string[];
  readonly signal: AbortSignal;
  /** A line for people. */
  readonly log: (line: string) => void;
};

export type VettedImages = { readonly plan: Plan; readonly problems: readonly Problem[] };

/**
 * The plan with each image that is named without a host taken from our registry where that has it; and why its images keep it from being run:
 * one is nowhere (R-WRK-108, R-WRK-109), or the policy does not let it. Each is asked for once, all at the same time.
 */
export const vetImages = async (plan: Plan, only: ReadonlySet<string> | undefined, vet: ImageVet): Promise<VettedImages> => {
  const known: ImageVet = { ...vet, find: vet.find && once(vet.find) };
  const isMeant = (node: PlanNode): node is Stage => node.kind === 'stage' && (only?.has(node.name) ?? true);
  const uses = plan.nodes.filter(isMeant).flatMap(usesOf);
  const references = [...new Set(uses.map(({ reference }) => reference))];
  const chosen = new Map(await Promise.all(references.map(async (reference) => [reference, await chosenFrom(reference, known)] as const)));
  const problems = await Promise.all(
    uses.map(async (use): Promise<Problem | undefined> => {
      const choice = chosen.get(use.reference);
      const wrong = choice?.problem ?? (await judged({ ...use, reference: choice?.reference ?? use.reference }, plan, known));
      return wrong && { ...wrong, ...(use.range === undefined ? {} : { range: use.range }) };
    }),
  );
  const renamed = (image: ImageSource): ImageSource =>
    image.kind === 'reference' ? { ...image, reference: chosen.get(image.reference)?.reference ?? image.reference } : image;
  return {
    plan: { ...plan, nodes: plan.nodes.map((node) => (isMeant(node) ? withImages(node, renamed) : node)) },
    problems: problems.filter((problem) => problem !== undefined),
  };
};

type Use = { readonly as: 'box' | 'service'; readonly reference: string; readonly range: Range | undefined };

const usesOf = (stage: Stage): readonly Use[] =>
  [{ as: 'box', ...stage } as const, ...stage.services.map((service) => ({ as: 'service', ...service }) as const)].flatMap(
    ({ as, image, range }) => (image.kind === 'reference' ? [{ as, reference: image.reference, range }] : []),
  );

const withImages = (stage: Stage, change: (image: ImageSource) => ImageSource): Stage => ({
  ...stage,
  image: change(stage.image),
  services: stage.services.map((service) => ({ ...service, image: change(service.image) })),
});

const once = (find: ImageFinder): ImageFinder => {
  const asked = new Map<string, Promise<FoundImage>>();
  return (reference, signal) => {
    const answer = asked.get(reference) ?? find(reference, signal);
    asked.set(reference, answer);
    return answer;
  };
};

type Choice = { readonly reference: string; readonly problem?: Problem };

/** Nothing of another registry is taken in the place of what ours may have. */
const chosenFrom = async (reference: string, { policy: { boxRegistry }, find, signal }: ImageVet): Promise<Choice> => {
  const parsed = parseImageReference(reference);
  if (boxRegistry === undefined || find === undefined || !parsed.ok || !isBare(reference, parsed.image)) return { reference };
  const ours = `${boxRegistry.replace(/\/+$/, '')}/${reference}`;
  const found = await find(ours, signal);
  switch (found.kind) {
    case 'here':
    case 'registry':
      return { reference: ours };
    case 'missing':
      return { reference };
    case 'denied':
      return { reference, problem: denied(ours) };
    case 'unknown': {
      const message = `Whether "${reference}" is an image of ${boxRegistry} cannot be known: ${found.why}.`;
      return { reference, problem: { code: 'BOX_REGISTRY_SILENT', message, hint: 'Try again, or name the image with its registry.' } };
    }
  }
};

const judged = async ({ as, reference }: Use, plan: Plan, vet: ImageVet): Promise<Problem | undefined> => {
  const parsed = parseImageReference(reference);
  if (!parsed.ok) return undefined;
  const refused = notAllowed(as, reference, parsed.image, vet);
  if (refused !== undefined || vet.find === undefined || mayBeMade(plan, parsed.image)) return refused;
  const found = await vet.find(reference, vet.signal);
  switch (found.kind) {
    case 'registry':
      return undefined;
    case 'here': {
      if (found.fromRegistry || !vet.policy.production) return undefined;
      const message = `The image "${reference}" is only on this machine, and that is only for local development.`;
      return { code: 'IMAGE_NOT_ALLOWED', message, hint: 'Push it to its registry.' };
    }
    case 'missing': {
      const message = `There is no image "${reference}".`;
      return { code: 'IMAGE_NOT_FOUND', message, hint: 'Check the name and the tag.' };
    }
    case 'denied':
      return denied(reference);
    case 'unknown':
      vet.log(`whether there is an image ${reference} is not known: ${found.why}`);
      return undefined;
  }
};

const denied = (reference: string): Problem => ({
  code: 'IMAGE_DENIED',
  message: `The image "${reference}" does not exist, or its registry wants another login.`,
  hint: 'Check the name, or log in with "docker login".',
});

const notAllowed = (as: Use['as'], reference: string, image: ImageReference, { policy, projects }: ImageVet): Problem | undefined => {
  const ours = policy.privateServices.find((one) => isSameImage(one.image, image));
  if (ours !== undefined && as === 'box') {
    const message = `The image "${reference}" can be a service, and nothing else.`;
    return { code: 'IMAGE_PRIVATE', message, hint: 'Name it under "services", or take another image.' };
  }
  if (ours !== undefined && !ours.projects.some((project) => projects.includes(project))) {
    const message = `The image "${reference}" is private, and not for ${projects.map((project) => `"${project}"`).join(' or ')}.`;
    return { code: 'IMAGE_PRIVATE', message, hint: 'Ask those who run this cion to add the project to its policy.' };
  }
  const registries = [...(policy.boxRegistry === undefined ? [] : [policy.boxRegistry]), ...policy.allowRegistries];
  if (!policy.production || registries.some((registry) => isOf(registry, image))) return undefined;
  const message = `The image "${reference}" is of ${image.registry}, which is only for local development.`;
  return { code: 'IMAGE_NOT_ALLOWED', message, hint: `Allowed are: ${registries.join(', ')}.` };
};

/** By a stage of the plan itself: it commits it, or is given the engine's socket. */
const mayBeMade = ({ nodes }: Plan, image: ImageReference): boolean =>
  nodes.some((node) => {
    if (node.kind !== 'stage') return false;
    const names = (node.commit?.names ?? []).map((name) => parseImageReference(name.replaceAll(/\{\w+\}/g, '0')));
    return (
      names.some((name) => name.ok && name.image.registry === image.registry && name.image.repository === image.repository) ||
      node.mounts.some((mount) => mount.kind === 'host' && mount.hostPath.endsWith('.sock'))
    );
  });
