/** A group of errors that a caller handles alike. */
export interface ErrorFamily {
  title: string;
  /** What to do about it. */
  about: string;
  statuses: readonly number[];
}

/** The eight families, each of its statuses. */
export const families: readonly ErrorFamily[] = [
  {
    title: 'Application (500)',
    about: 'A fault of Tenon. It is in its log under the request id. Trying again may help.',
    statuses: [500],
  },
  {
    title: 'Validation (400)',
    about: 'The request cannot be taken as it is. Change it; trying the same again gives the same answer.',
    statuses: [400, 405, 413, 415],
  },
  {
    title: 'Authentication (401)',
    about: 'Nobody is signed in, or not in a way that counts. Sign in again.',
    statuses: [401],
  },
  { title: 'Authorization (403)', about: 'It is known who asks, and they may not.', statuses: [403] },
  {
    title: 'Not found (404)',
    about: 'It does not exist, or belongs to somebody else: the two cannot be told apart.',
    statuses: [404],
  },
  {
    title: 'Conflict (409)',
    about: 'The request is right, the present state does not allow it. Read again, then decide.',
    statuses: [409, 412],
  },
  {
    title: 'Rate limit (429)',
    about: 'Wait as many seconds as the header `Retry-After` says, then try again.',
    statuses: [429],
  },
  {
    title: 'External service (502)',
    about: 'Something that Tenon depends on does not answer as it should. Try again later.',
    statuses: [502, 503],
  },
];

/** The family that a status belongs to. @throws Error for a status that no error of the registry may have. */
export function familyOf(status: number): ErrorFamily {
  const family = families.find(({ statuses }) => statuses.includes(status));
  if (!family) throw new Error(`No family of errors has the status ${status}`);
  return family;
}
