/** Where access tells of keys that change or can't be had. Never a key or a token. */
export interface AccessLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}
