import { range } from '../load/range.mjs'

/**
 * The tables of a work, each with its title, in Markdown: medians, with the lowest to the highest where there are several
 * rounds. One for each variant, with a row for each peer; or one with a row for each variant, where one peer can do it.
 */
export function tablesOf(results, work, peers) {
  if (work.isRowEach) {
    const able = peers.filter((peer) => work.can(peer))
    const rows = work.variants.flatMap((variant) =>
      able.map(({ name }) => rowOf(results, work, variant, name, variant.name)),
    )
    return [{ title: able.map(({ name }) => name).join(', '), table: tableOf(work, rows) }]
  }
  return work.variants.map((variant) => {
    const names = [...peers, ...(work.beside[variant.name] ?? [])].map(({ name }) => name)
    const rows = names.map((name) => rowOf(results, work, variant, name, name))
    return { title: variant.name, table: tableOf(work, rows) }
  })
}

function tableOf(work, rows) {
  const heads = ['', ...work.columns.map(([head]) => head)]
  return [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function rowOf(results, work, variant, peer, title) {
  const cells = work.columns.map(([, column, digits]) => {
    const values = results.values(work.name, variant.name, peer, column)
    if (values.length === 0) return '–'
    const middle = results.median(work.name, variant.name, peer, column).toFixed(digits)
    return values.length === 1 ? middle : `${middle} (${range(values, digits)})`
  })
  return [`${title}${reasonOf(results, work, variant, peer)}`, ...cells]
}

function reasonOf(results, work, variant, peer) {
  if (results.leftOut.has(peer)) return ' (left out)'
  const { rounds, reasons } = results.failures(work.name, variant.name, peer)
  if (reasons.length === 0) return ''
  const share = reasons.length === rounds ? '' : ` ${reasons.length} of ${rounds}`
  return ` (failed${share}: ${reasons[0].replaceAll('|', '/').replaceAll('\n', ' ').slice(0, 200)})`
}
