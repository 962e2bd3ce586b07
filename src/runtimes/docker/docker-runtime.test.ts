import { runtimeContract } from '../runtime.contract.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';

runtimeContract(() => dockerSubject(findEndpoint(process.env), process.env));
