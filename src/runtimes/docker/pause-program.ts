/** Port and address, a letter from `a` to `p` for every four bits. */
export const probeArgument = (address: string, port: number): string =>
  [port >> 8, port & 255, ...address.split('.').map(Number)]
    .flatMap((byte) => [byte >> 4, byte & 15])
    .map((bits) => String.fromCharCode(97 + bits))
    .join('');

/** What the code says stands in docs/adr/0022-pause-containers.md. */
export const pauseProgram = (architecture: string): Buffer => {
  const { machine, code } = programs[architecture === 'arm64' || architecture === 'aarch64' ? 'arm64' : 'amd64'];
  return executable(machine, code);
};

/** An ELF file of one segment. */
export const executable = (machine: number, code: Buffer): Buffer => {
  const base = 0x400000n;
  const headers = 64 + 56;
  const file = Buffer.alloc(headers + code.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(headers), 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(base, 80);
  file.writeBigUInt64LE(base, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x10000n, 112);
  code.copy(file, headers);
  return file;
};

const programs = {
  amd64: {
    machine: 62,
    code: Buffer.from(
      '48833c24020f8c8f000000488b7424104883ec2031c0488904244889442408c6042402488d7c2402b9060000000fb6060fb6560183e86183ea61c1e00409d088' +
        '0748ffc74883c602ffc975e148c74424100000000048c7442418002d31016a025f6a015e31d26a29580f0589c389df4889e66a105a6a2a580f0585c0741589' +
        'df6a03580f05488d7c241031f66a23580f05ebcb31ff6a3c580f056a22580f05ebf9',
      'hex',
    ),
  },
  arm64: {
    machine: 183,
    code: Buffer.from(
      'e00340f91f0800f14b050054e10b40f9ff8300d1ff7f00a942008052e2030039e30b0091c40080522514403826144038a5840151c6840151c510052a65140038' +
        '8404007121ffff54ff0b00f905a085d22526a0f2e50f00f9400080d2210080d2020080d2c81880d2010000d4f303002ae1030091020280d2681980d2010000d4' +
        '20010034e003132a280780d2010000d4e0430091010080d2a80c80d2010000d4eeffff17000080d2a80b80d2010000d4000080d2010080d2020080d2030080d2' +
        '040080d2280980d2010000d4f9ffff17',
      'hex',
    ),
  },
} as const;
