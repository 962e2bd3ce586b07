import type { Problem, Range } from '../../plan/problem.ts';
import { quoted } from '../quoted.ts';
import type { Configuration } from './configuration.ts';

/** A file, or what an image printed: then `path` is the image. */
export type ReadFile = { readonly path: string; readonly configuration: Configuration };

const deepest = 10;
const most = 100;

/** Images whose text is still needed, each with a Problem that says so; an image that leads back to itself is told with the way there (R-DCK-55). */
export const subgraphsOf = (
  files: readonly ReadFile[],
  isImage: (path: string) => boolean,
): { readonly wanted: readonly string[]; readonly needed: readonly Problem[]; readonly problems: readonly Problem[] } => {
  const byPath = new Map(files.map((file) => [file.path, file.configuration]));
  const wanted = new Map<string, Range>();
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const open = files.filter(({ path }) => !isImage(path)).map(({ path }): readonly string[] => [path]);
  for (let way = open.shift(); way !== undefined; way = open.shift()) {
    const path = way.at(-1) ?? '';
    for (const { value: image, range } of byPath.get(path)?.subgraphs ?? []) {
      const further = [...way, image];
      if (way.includes(image)) problems.push(circle(further.slice(way.indexOf(image)), range));
      else if (further.length > deepest + 1) problems.push(tooDeep(image, range));
      else if (!byPath.has(image)) wanted.set(image, wanted.get(image) ?? range);
      else if (!seen.has(`${path} ${image}`)) open.push(further);
      seen.add(`${path} ${image}`);
    }
  }
  if (wanted.size + files.length > most) {
    const [image, range] = [...wanted][0] ?? [];
    if (image !== undefined && range !== undefined) problems.push(tooMany(range));
  }
  return { wanted: [...wanted.keys()], needed: [...wanted].map(([image, range]) => unread(image, range)), problems };
};

const circle = (images: readonly string[], range: Range): Problem => ({
  code: 'SUBGRAPH_CYCLE',
  message: `These images ask for each other: ${images.join(' → ')}.`,
  hint: 'Remove one of these from "meta.subgraphs".',
  range,
});

const tooDeep = (image: string, range: Range): Problem => ({
  code: 'SUBGRAPH_TOO_DEEP',
  message: `${quoted(image)} is asked for through more than ${deepest} images.`,
  hint: 'Name the images of the last ones further up.',
  range,
});

const tooMany = (range: Range): Problem => ({
  code: 'SUBGRAPH_TOO_DEEP',
  message: `The stages stand in more than ${most} files and images.`,
  hint: 'Put several packages into one image.',
  range,
});

const unread = (image: string, range: Range): Problem => ({
  code: 'SUBGRAPH_UNREAD',
  message: `What the image ${quoted(image)} prints is a part of the pipeline, and it has not been run.`,
  hint: 'It takes an engine to run it: "cion doctor" looks whether there is one.',
  range,
});
