import { type ImageReference, parseImageReference } from '../../plan/image-reference.ts';
import type { ImageSource } from '../../plan/plan.ts';
import { reference } from '../../plan/stage.ts';
import { quoted } from '../quoted.ts';
import { blame, type Place } from '../shape.ts';
import type { Box } from './box.ts';
import { filled, type Known } from './filled.ts';

/** The image of a box or service: variables filled, `tag` and `registry` put where they belong. */
export const imageOf = (box: Box, known: Known, place: Place): ImageSource | undefined => {
  const there = { ...place, range: box.range };
  const fill = (text: string): string | undefined => fillNow(text, known, there);
  const [id, tag, registry] = [fill(box.id), box.tag === undefined ? '' : fill(box.tag), fill(registryOf(box))];
  if (id === undefined || tag === undefined || registry === undefined) return undefined;
  tellLogin(box, there);
  const lower = lowerCased(id.trim());
  const parsed = parseImageReference(lower);
  if (!parsed.ok) return blame(there, { code: 'BAD_IMAGE', message: `${quoted(id)} ${parsed.message}.`, hint: hintFor(id) });
  const host = registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  const text = withTag(isHub(parsed.image, lower) && host !== '' && !hubHosts.test(host) ? `${host}/${lower}` : lower, tag);
  const whole = parseImageReference(text);
  return whole.ok ? reference(text) : blame(there, { code: 'BAD_IMAGE', message: `${quoted(text)} ${whole.message}.`, hint: hintFor(id) });
};

const fillNow = (text: string, known: Known, place: Place): string | undefined => {
  const { value, later, unknown } = filled(text, known);
  const [wanted] = [...unknown, ...later];
  if (wanted === undefined && value.kind === 'literal') return value.value;
  if (wanted === 'WERCKER_LAST_BUILD_BOX') {
    const hint = 'Deploy what a run built and committed, or name an image.';
    return blame(place, { code: 'NO_LAST_BUILD', message: `${quoted(text)} is the image of a build, and there is none here.`, hint });
  }
  const message = `${quoted(text)} asks for ${wanted}, whose value is not known when the plan is made.`;
  return blame(place, {
    code: 'VARIABLE_TOO_LATE',
    message,
    hint: 'Write the image itself; WERCKER_GIT_…, WERCKER_LAST_BUILD_BOX and public variables (X_…) are known.',
  });
};

const registryOf = (box: Box): string => {
  const { registry = '', 'azure-login-server': azure = '', 'aws-registry-id': account = '', 'aws-region': region = '' } = box;
  if (registry !== '') return registry;
  return account !== '' && region !== '' ? `${account}.dkr.ecr.${region}.amazonaws.com` : azure;
};

const tellLogin = (box: Box, place: Place): void => {
  if (
    box.username === undefined &&
    box.password === undefined &&
    box['aws-secret-key'] === undefined &&
    box['azure-client-secret'] === undefined
  )
    return;
  blame(place, {
    code: 'LOGIN_UNUSED',
    message: `The login of ${quoted(box.id)} is not used.`,
    hint: 'Log in with "docker login" once: cion takes what it left.',
  });
};

/** Repositories are in lower case; tags are not. */
const lowerCased = (id: string): string => {
  const [, name = id, rest = ''] = /^(.*?)([:@][^/]*)?$/s.exec(id) ?? [];
  return `${name.toLowerCase()}${rest}`;
};

const hubHosts = /^(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com|hub\.docker\.com)$/i;

/** Without a registry of its own. */
const isHub = (image: ImageReference, text: string): boolean => image.registry === 'docker.io' && !/^(?:index\.)?docker\.io\//.test(text);

const withTag = (text: string, tag: string): string => {
  if (tag === '') return text;
  const [, name = text, digest = ''] = /^(.*?)(?::[^/@]*)?(@.*)?$/s.exec(text) ?? [];
  return `${name}:${tag}${digest}`;
};

const hintFor = (id: string): string | undefined =>
  /@[\w.^~*-]+$/.test(id) ? `Boxes of that old form are gone; an image is written like "${id.replace(/@.*$/, '')}:tag".` : undefined;
