import type { Command, EnvValue, ImageSource, Service, Variable } from '../../plan/plan.ts';
import { imageCommand } from '../../plan/stage.ts';
import { quoted } from '../quoted.ts';
import { blame, type Place } from '../shape.ts';
import type { Box } from './box.ts';
import { filled, type Known, onlyVariable } from './filled.ts';
import { linkVariables } from './link-variables.ts';
import { shellWord } from './words.ts';

/** The services, and the variables by which the box finds them. */
export type Linked = { readonly services: readonly Service[]; readonly links: readonly (readonly [string, EnvValue])[] };

type ReadImage = (box: Box) => ImageSource | undefined;

/** Each service finds those before it, too. */
export const servicesOf = (boxes: readonly Box[], known: Known, readImage: ReadImage, place: Place): Linked => {
  const services: Service[] = [];
  const links: (readonly [string, EnvValue])[] = [];
  for (const box of boxes) {
    const service = serviceOf(box, known, links, readImage, place);
    if (service === undefined) continue;
    if (services.some(({ name }) => name === service.made.name)) {
      const message = `Two services are called "${service.made.name}".`;
      blame({ ...place, range: box.range }, { code: 'DUPLICATE_SERVICE', message, hint: 'Give one of them a "name".' });
    }
    services.push(service.made);
    links.push(...service.links);
  }
  return { services, links };
};

const serviceOf = (box: Box, known: Known, links: Linked['links'], readImage: ReadImage, place: Place) => {
  const there = { ...place, range: box.range };
  if (box.url !== undefined) {
    const message = 'A pipeline of another project cannot be a service.';
    return blame(there, { code: 'SERVICE_URL', message, hint: 'Let that project push its image, and name the image here.' });
  }
  const image = readImage(box);
  if (image === undefined) return undefined;
  const name = hostName(box);
  if (name === undefined) {
    const message = `${quoted(box.name ?? box.id)} cannot be a service's name.`;
    return blame(there, { code: 'BAD_NAME', message, hint: 'Give it a "name" of letters, digits, "-", "_" and ".".' });
  }
  const env = envOf(box, known, there);
  if (env === undefined) return undefined;
  const ports = box.ports ?? [];
  const tcp = ports.find((port) => !port.endsWith('/udp'));
  const made: Service = {
    name,
    range: box.range,
    image,
    command: commandOf(box),
    env: { ...Object.fromEntries(links), ...env },
    ports,
    privileged: false,
    ready: tcp === undefined ? { kind: 'running', timeoutMs } : { kind: 'tcp', port: Number(tcp), timeoutMs },
  };
  return { made, links: linkVariables(name, box, env) };
};

const timeoutMs = 60_000;

/** Its name, else the last part of the image's. */
const hostName = (box: Box): string | undefined => {
  const name = box.name ?? lastPart(box.id);
  return /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/.test(name) ? name : undefined;
};

const lastPart = (id: string): string => (id.split('/').at(-1) ?? '').replace(/[:@].*$/, '').toLowerCase();

const commandOf = ({ cmd, entrypoint }: Box): Command => {
  if (entrypoint !== undefined && entrypoint.length > 0) {
    return { kind: 'shell', script: `exec ${[...entrypoint, ...(cmd ?? [])].map(shellWord).join(' ')}` };
  }
  return cmd === undefined || cmd.length === 0 ? imageCommand : { kind: 'arguments', argv: cmd };
};

/** A value is made of what is known here and of what is so of the run, or is one variable from outside as a whole. */
const envOf = (box: Box, known: Known, place: Place): Readonly<Record<string, EnvValue>> | undefined => {
  const values = (box.env ?? []).map(({ name, value, range }): readonly [string, EnvValue] | undefined => {
    const only = onlyVariable(value);
    const whole = only === undefined ? undefined : known(only);
    if (whole !== undefined) return [name.toUpperCase(), whole];
    const { value: done, later } = filled(value, known);
    if (later.length === 0) return [name.toUpperCase(), done];
    const message = `${quoted(value)} mixes a text with ${later[0]}, whose value only the run knows.`;
    return blame(place, { code: 'VARIABLE_TOO_LATE', message, hint: 'Give the whole value as one variable from outside.' }, range);
  });
  const all = values.filter((value) => value !== undefined);
  return all.length === values.length ? Object.fromEntries(all) : undefined;
};

export const asVariables = (links: Linked['links']): readonly Variable[] => links.map(([name, value]) => ({ name, value }));
