/** A user's text in a message, cut when it is long. */
export const quoted = (given: string): string => `"${shortened(given)}"`;

export const shortened = (given: string): string => (given.length > 60 ? `${given.slice(0, 60)}…` : given);
