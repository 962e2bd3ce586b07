import type { Need, Plan } from '../../plan/plan.ts';
import { imageWords } from './graph-node.ts';
import { visible } from './visible.ts';

/** The plan as a Mermaid flowchart, for documents that draw it. */
export const mermaid = (plan: Plan): string[] => {
  const ids = new Map(plan.nodes.map((node, index) => [node.name, `n${index + 1}`]));
  const nodes = plan.nodes.map((node) => {
    const id = ids.get(node.name) ?? '';
    return node.kind === 'gate'
      ? `  ${id}{"${quoted(node.name)}"}`
      : `  ${id}["${quoted(node.name)}<br/>${quoted(imageWords(node.image))}"]`;
  });
  const edges = plan.nodes.flatMap((node) =>
    node.needs.map((need) => `  ${ids.get(need.node) ?? ''} ${arrows[need.on]} ${ids.get(node.name) ?? ''}`),
  );
  return ['flowchart LR', ...nodes, ...edges];
};

const arrows: Readonly<Record<Need['on'], string>> = { passed: '-->', failed: '-.->|failed|', finished: '-.->|finished|' };

const quoted = (text: string): string => visible(text).replace(/[&<>"#]/g, (character) => `#${character.charCodeAt(0)};`);
