import type { ImageSource, Need, PlanNode } from '../../plan/plan.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Look } from './look.ts';
import { gateSentence } from './sentences.ts';
import { visible } from './visible.ts';
import { list } from './words.ts';

/** What a plan says of a node, as text: its name, its image, and what is special about it. */
export type NodeText = { readonly name: string; readonly image?: string; readonly remarks: readonly string[] };

export const nodeText = (node: PlanNode, { glyphs }: Look): NodeText => {
  const conditions = node.needs.flatMap(conditionWords);
  if (node.kind === 'gate')
    return { name: `${glyphs.gate} ${visible(node.name)}`, remarks: [`waits for ${gateSentence(node.waitsFor)}`, ...conditions] };
  return {
    name: visible(node.name),
    image: imageWords(node.image),
    remarks: [
      ...(node.services.length === 0 ? [] : [`with ${list(node.services.map((service) => visible(service.name)))}`]),
      ...conditions,
      ...(node.always ? ['always runs'] : []),
      ...(node.mayFail ? ['may fail'] : []),
      ...(node.deploys === undefined ? [] : [`deploys to ${visible(node.deploys.environment)}`]),
    ],
  };
};

export const imageWords = (image: ImageSource): string => {
  switch (image.kind) {
    case 'reference':
      return visible(image.reference);
    case 'build':
      return `built from ${visible(image.dockerfile)}`;
    case 'stage':
      return `the image of ${visible(image.stage)}`;
    case 'output':
      return `the image named by ${visible(image.stage)}`;
    default:
      return assertNever(image);
  }
};

const conditionWords = ({ node, on }: Need): string[] => {
  switch (on) {
    case 'passed':
      return [];
    case 'failed':
      return [`if ${visible(node)} failed`];
    case 'finished':
      return [`however ${visible(node)} ends`];
    default:
      return assertNever(on);
  }
};
