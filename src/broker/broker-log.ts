/** Where a broker says what concerns an operator; constant messages, data in fields. */
export interface BrokerLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}
