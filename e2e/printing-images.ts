import { execFileSync } from 'node:child_process';

/** Images on this engine whose command prints a part of a configuration, or says no. */
export const printingImages = (namespace: string) => {
  const images: string[] = [];
  return {
    printing: (name: string, command: string): string => {
      const image = `${namespace}/${name}:1`;
      const options = { input: `FROM busybox\nCMD ${command}\n`, env: { ...process.env, DOCKER_BUILDKIT: '0' } };
      execFileSync('docker', ['build', '--quiet', '--tag', image, '-'], { ...options, stdio: ['pipe', 'ignore', 'ignore'] });
      images.push(image);
      return image;
    },
    remove: (): void => {
      if (images.length > 0) execFileSync('docker', ['rmi', '--force', ...images], { stdio: 'ignore' });
    },
  };
};
