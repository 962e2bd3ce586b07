import { parsed, type Range, refused } from '../../plan/problem.ts';
import { record } from '../entries.ts';
import { mapping, type MappingOf, optional, required } from '../mapping.ts';
import { variableName } from '../names.ts';
import { quoted } from '../quoted.ts';
import { anyText, blame, byKind, list, mapped, type Place, type Shape, text, textAs, wrongType } from '../shape.ts';
import { isNothing } from './nothing.ts';
import { wordsOf } from './words.ts';

/** `8080`, `80:80`, `127.0.0.1::90/udp`: the container's own port, as in `90/udp`. */
const port = textAs('a port', { type: ['integer', 'string'] }, (given) => {
  const [, own, protocol] = /^(?:(?:[\d.]+:)?\d*:)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(given) ?? [];
  if (own === undefined || Number(own) < 1 || Number(own) > 65_535) {
    return refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is not a port.`, hint: 'Write it like 8080, 8080:80 or 53/udp.' });
  }
  return parsed(protocol === 'udp' ? `${Number(own)}/udp` : String(Number(own)));
});

const commandLine = textAs('a command in one text', { type: ['string', 'number', 'boolean'] }, (given) => {
  const words = wordsOf(given);
  return words === undefined
    ? refused({ code: 'WRONG_VALUE', message: `${quoted(given)} has a quote that is not closed.`, hint: 'Close it.' })
    : parsed(words);
});

const value: Shape<string> = { ...anyText, read: (node, place) => (isNothing(node) ? '' : anyText.read(node, place)) };

const login = (what: string) => optional(anyText, `${what} Not used: cion takes what "docker login" left.`);

const fields = {
  id: required(text, 'The image, perhaps with a tag or a digest.'),
  tag: optional(text, 'The tag, in place of the one in "id".'),
  name: optional(text, 'What a service is called: its host name, and what its variables begin with.'),
  cmd: optional(commandLine, 'The command of a service, as one text; of a box the shell.'),
  entrypoint: optional(commandLine, 'The entrypoint of a service, as one text.'),
  env: optional(record(variableName, value), 'Variables; their names are in capital letters in the container.'),
  ports: optional(list(port), 'Ports that it listens on, as in 8080, 8080:80 or 53/udp.'),
  volumes: optional(anyText, 'Directories of this machine. Not used.'),
  url: optional(text, 'A pipeline of another project as a service. Not supported.'),
  registry: optional(anyText, 'The registry of the image, as in https://registry.example.com/v2.'),
  username: login('The user of the registry.'),
  password: login('The password for the registry.'),
  'aws-access-key': login('A key of AWS.'),
  'aws-secret-key': login('A key of AWS.'),
  'aws-region': optional(anyText, 'The region of a registry of AWS.'),
  'aws-registry-id': optional(anyText, 'The account of a registry of AWS.'),
  'aws-strict-auth': login('Whether AWS is asked for one registry.'),
  'azure-client-id': login('A client of Azure.'),
  'azure-client-secret': login('Its secret.'),
  'azure-subscription-id': login('A subscription of Azure.'),
  'azure-tenant-id': login('A tenant of Azure.'),
  'azure-resource-group': login('A group of Azure.'),
  'azure-registry-name': login('A registry of Azure.'),
  'azure-login-server': optional(anyText, 'The host of a registry of Azure.'),
};

export type Box = MappingOf<typeof fields> & { readonly range: Range };

const longForm = mapping(fields, { lenient: true });

/** An image by its name alone, or with what belongs to it. */
const either = byKind<MappingOf<typeof fields>>({ scalar: { ...mapped(text, (id) => ({ id })), what: 'an image' }, map: longForm });

export const box: Shape<Box> = {
  schema: either.schema,
  read: (node, place) => {
    const read = either.read(node, place);
    return read && { ...read, range: node.range };
  },
};

const service: Shape<Box> = {
  schema: box.schema,
  read: (node, place) => (isNothing(node) ? emptyService(place) : box.read(node, place)),
};

const emptyService = (place: Place): undefined =>
  blame(place, { code: 'EMPTY_VALUE', message: `"${place.path}" is empty.`, hint: 'Name an image, or remove the dash.' });

const all = list(service);

export const services: Shape<readonly Box[]> = {
  schema: all.schema,
  read: (node, place) => {
    if (node.kind !== 'scalar') return all.read(node, place);
    const message = `"${place.path}" must be a list, not a text.`;
    return node.text === ''
      ? wrongType(node, place, 'a list')
      : blame(place, { code: 'WRONG_TYPE', message, hint: `Write "- ${node.text}" below it.` }, node.range);
  },
};
