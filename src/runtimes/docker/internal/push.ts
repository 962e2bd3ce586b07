import type { ImageRecord } from '../api.ts';
import { unlessGone } from '../failures.ts';
import { configOfBox, imageRecord, ownConfig, withBoxCommitted } from './box-image.ts';
import type { Internal, InternalContext, Performed } from './context.ts';
import { configWith } from './image-config.ts';
import type { Options } from './options.ts';
import { destinationOf, publish } from './publish.ts';
import { StepFailure } from './step-failure.ts';

/** Pushes the box as it is, or with `image-name` an image that the run built. */
export const push = async (_step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const built = options.text('image-name');
  const destination = await destinationOf(options, context);
  if (built !== undefined) {
    const image = await builtImage(context, built);
    await publish(context, image, configWith(options, ownConfig(image)), options, destination);
  } else {
    const config = configWith(options, await configOfBox(context));
    await withBoxCommitted(context, (image) => publish(context, image, config, options, destination));
  }
  return { code: 0 };
};

const builtImage = async (context: InternalContext, name: string): Promise<ImageRecord> => {
  const { names } = context.parts;
  const found = await unlessGone(imageRecord(context, names.builtAs(context.item.run, name)));
  if (found === undefined) throw new StepFailure(`no step of this run has built an image called ${JSON.stringify(name)}`);
  return found;
};
