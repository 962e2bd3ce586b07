import { describe } from 'node:test';
import { approvedAuthorsContract } from '../approved-authors.contract.ts';
import { memoryApprovedAuthors } from './memory-approved-authors.ts';

describe('approved authors in memory', () => approvedAuthorsContract(async () => memoryApprovedAuthors()));
