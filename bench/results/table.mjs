import { range } from '../load/range.mjs'

/** One table in Markdown: a row for each peer, medians, with the lowest to the highest where there are several rounds. */
export function tableOf(results, work, variant, peers) {
  const names = [...peers, ...(work.beside[variant.name] ?? [])].map(({ name }) => name)
  const heads = ['', ...work.columns.map(([head]) => head)]
  const rows = names.map((name) => rowOf(results, work, variant, name))
  return [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function rowOf(results, work, variant, name) {
  const cells = work.columns.map(([, column, digits]) => {
    const values = results.values(work.name, variant.name, name, column)
    if (values.length === 0) return '–'
    const middle = results.median(work.name, variant.name, name, column).toFixed(digits)
    return values.length === 1 ? middle : `${middle} (${range(values, digits)})`
  })
  return [nameWithReason(results, work, variant, name), ...cells]
}

function nameWithReason(results, work, variant, name) {
  if (results.leftOut.has(name)) return `${name} (left out)`
  const { rounds, reasons } = results.failures(work.name, variant.name, name)
  if (reasons.length === 0) return name
  const share = reasons.length === rounds ? '' : ` ${reasons.length} of ${rounds}`
  return `${name} (failed${share}: ${reasons[0].replaceAll('|', '/').replaceAll('\n', ' ').slice(0, 200)})`
}
