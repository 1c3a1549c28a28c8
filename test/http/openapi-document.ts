export interface DescribedHeader {
  readonly description: string
  readonly required?: boolean
  readonly schema: object
}

export interface DescribedAnswer {
  readonly description: string
  readonly headers: Readonly<Record<string, DescribedHeader>>
  readonly content: Readonly<Record<string, { readonly schema: object }>>
}

export interface Operation {
  readonly summary?: string
  readonly parameters: readonly { readonly in: string; readonly name: string }[]
  readonly security?: readonly object[]
  /** By status. */
  readonly responses: Readonly<Record<string, DescribedAnswer>>
}

/** Operations by path, then by method in lower case. */
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/** Stands for every address that is no route. */
export const UNKNOWN_PATH = '/{path}'

/** What `GET /openapi.json` tells of the routes, with all references resolved. */
export async function readPaths(hub: {
  get(path: string): Promise<{ readonly json: any }> // oxlint-disable-line typescript/no-explicit-any
}): Promise<Paths> {
  const { json } = await hub.get('/openapi.json')
  const headersOf = (given: Record<string, DescribedHeader & { $ref?: string }> = {}) =>
    mapValues(given, (header) => {
      const name = header.$ref?.split('#/components/headers/')[1]
      return name === undefined ? header : (json.components.headers[name] as DescribedHeader)
    })
  return mapValues(json.paths as Paths, (item) =>
    mapValues(item, (operation) => ({
      ...operation,
      parameters: operation.parameters ?? [],
      responses: mapValues(
        operation.responses as Record<string, DescribedAnswer & { $ref?: string }>,
        (given) => {
          const name = given.$ref?.split('#/components/responses/')[1] ?? ''
          const answer: DescribedAnswer = json.components.responses[name] ?? given
          return { ...answer, headers: headersOf(answer.headers), content: answer.content ?? {} }
        },
      ),
    })),
  )
}

function mapValues<T, U>(
  values: Readonly<Record<string, T>>,
  map: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]))
}
