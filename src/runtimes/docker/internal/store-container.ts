import { parseImageReference } from '../../../plan/image-reference.ts';
import { fullName } from '../images.ts';
import { label } from '../labels.ts';
import { loadSameLayers } from '../same-layers.ts';
import { configOfBox, withBoxCommitted } from './box-image.ts';
import { type Internal, type InternalContext, type Performed, say } from './context.ts';
import type { Options } from './options.ts';
import { StepFailure } from './step-failure.ts';

/** Keeps the box as it is as an image on the engine: under a name, or, without one, as the run's own that is gone with it. */
export const storeContainer = async (step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const { parts, item, signal } = context;
  const named = options.text('image-name');
  const name = named === undefined ? parts.names.builtAs(item.run, step.id) : nameFrom(named, options.text('tag'));
  const base = await configOfBox(context);
  const ours = named === undefined ? { [label.namespace]: parts.namespace, [label.run]: item.run } : {};
  const wanted = {
    config: { ...base, Labels: { ...base.Labels, ...ours } },
    created: new Date(parts.clock.now()).toISOString(),
    names: [name],
  };
  await withBoxCommitted(context, (image) => loadSameLayers(parts.engine, image, wanted, signal));
  const shown = named === undefined ? `${step.id}, for later steps of this run` : name;
  await say(context, `The box is stored as the image ${shown}`);
  return { code: 0 };
};

const nameFrom = (text: string, tag: string | undefined): string => {
  const parsed = parseImageReference(tag === undefined ? text : `${text}:${tag}`);
  if (!parsed.ok) throw new StepFailure(`the image name ${JSON.stringify(text)} ${parsed.message}`);
  if (parsed.image.digest !== undefined) throw new StepFailure('the image name has a digest');
  return fullName(parsed.image);
};
