import { parser } from '@prometheus-io/lezer-promql'

/** One mention of a metric, with the labels that are asked to equal something. */
export interface Mention {
  readonly metric: string
  readonly labels: ReadonlyMap<string, string>
}

/** The metrics in an expression; throws where it is none. Grafana's variables may be in it. */
export function mentionsIn(expression: string): Mention[] {
  const text = expression.replaceAll('$__rate_interval', '5m')
  const mentions: Mention[] = []
  const textOf = ({ from, to }: { from: number; to: number }) => text.slice(from, to)
  parser.parse(text).iterate({
    enter: ({ node, name }) => {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${text}`)
      if (name !== 'VectorSelector') return
      const labels = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
      const equal = labels.filter((matcher) => matcher.getChild('MatchOp')?.getChild('EqlSingle'))
      mentions.push({
        metric: textOf(node.getChild('Identifier')!),
        labels: new Map(
          equal.map((matcher) => [
            textOf(matcher.getChild('LabelName')!),
            textOf(matcher.getChild('StringLiteral')!).slice(1, -1),
          ]),
        ),
      })
    },
  })
  return mentions
}
