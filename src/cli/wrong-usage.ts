/** Something on the command line is wrong; the message says what would be right. */
export class WrongUsage extends Error {}
