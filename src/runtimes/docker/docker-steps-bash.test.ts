import { stepsContract } from '../contract/steps.contract.ts';
import { runtimeContract } from '../runtime.contract.ts';
import { connect } from './engine/connect.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { bashImage } from './testing/bash-image.ts';
import { dockerSubject } from './testing/contract-subject.ts';

runtimeContract(
  async () => {
    const endpoint = findEndpoint(process.env);
    const engine = await connect(endpoint, AbortSignal.timeout(30_000));
    const subject = await dockerSubject(endpoint, process.env);
    const image = `${subject.namespace}/bash:latest`;
    await bashImage(engine, image, subject.image);
    return {
      ...subject,
      image,
      close: async () => {
        await subject.close();
        await engine.json('DELETE', `/images/${image}`);
        await engine.close();
      },
    };
  },
  {},
  [stepsContract],
);
