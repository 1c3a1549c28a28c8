import { Counter, Gauge, type Registry } from 'prom-client'

/** A counter with one label, whose values are known. */
export interface Labelled<Value extends string> {
  inc(value: Value): void
}

/**
 * Each value of the label is there from the start: an alert on an increase does not see the first of a series that
 * appears with it.
 */
export function registerLabelled<Value extends string>(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: readonly Value[],
): Labelled<Value> {
  const counter = new Counter({ name, help, labelNames: [label], registers: [registry] })
  for (const value of values) counter.inc({ [label]: value }, 0)
  return { inc: (value) => counter.inc({ [label]: value }) }
}

/** Its series come with what they tell of: a connection that is not there is not down. */
export function registerBrokerConnected(registry: Registry): Gauge {
  return new Gauge({
    name: 'piazza_broker_connected',
    help: '1 while the broker is reached, by connection',
    labelNames: ['connection'],
    registers: [registry],
  })
}
