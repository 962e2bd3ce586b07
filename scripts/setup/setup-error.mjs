/** What keeps the machine from being set up, told to people: its message is all that is printed. */
export class SetupError extends Error {}
