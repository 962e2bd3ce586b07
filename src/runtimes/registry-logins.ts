import type { ImageReference } from '../plan/image-reference.ts';

/** What a server says of its own registry to whom it gives an attempt. `place`: `HOST[/PREFIX]`, before all of its names. */
export type GivenRegistry = {
  readonly place: string;
  /** `repository`: in full, that of the run's project. The password is good while the attempt is held. Absent: the run is given none. */
  readonly own?: RegistryLogin & { readonly repository: string };
};

export type RegistryLogin = { readonly username: string; readonly password: string };

/** The logins that attempts were given, and which runs may use those of this machine: in memory, and nowhere else. */
export type RegistryLogins = {
  /** For an attempt of the run, until what it returns is called. */
  hold(run: string, given: GivenRegistry): () => void;
  /** The run may use none of the logins of this machine, until what it returns is called. */
  withhold(run: string): () => void;
  mayUseMachine(run: string): boolean;
  /** Whether the image is in a registry where runs have logins of their own, and nobody's else count. */
  isGuarded(image: ImageReference): boolean;
  of(run: string): RegistryLogin | undefined;
  /** Whether it is of the run's own project, with which the run may do as it likes. */
  owns(run: string, image: ImageReference): boolean;
};

export const registryLogins = (): RegistryLogins => {
  const places = new Set<string>();
  const held = new Map<string, Set<NonNullable<GivenRegistry['own']>>>();
  const withheld = new Map<string, number>();
  const newest = (run: string) => [...(held.get(run) ?? [])].at(-1);

  return {
    hold: (run, { place, own }) => {
      places.add(place);
      if (own === undefined) return () => {};
      const ofRun = held.get(run) ?? new Set();
      held.set(run, ofRun.add(own));
      return () => {
        ofRun.delete(own);
        if (ofRun.size === 0) held.delete(run);
      };
    },
    withhold: (run) => {
      withheld.set(run, (withheld.get(run) ?? 0) + 1);
      return () => {
        const left = (withheld.get(run) ?? 1) - 1;
        if (left > 0) withheld.set(run, left);
        else withheld.delete(run);
      };
    },
    mayUseMachine: (run) => !withheld.has(run),
    isGuarded: (image) => [...places].some((place) => isBelow(image, place)),
    of: (run) => {
      const login = newest(run);
      return login && { username: login.username, password: login.password };
    },
    owns: (run, image) => {
      const login = newest(run);
      return login !== undefined && isBelow(image, login.repository);
    },
  };
};

const isBelow = ({ registry, repository }: ImageReference, place: string): boolean => `${registry}/${repository}/`.startsWith(`${place}/`);
