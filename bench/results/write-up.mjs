import { SCALE } from '../settings.mjs'
import { tablesOf } from './table.mjs'
import { targetTable } from './targets.mjs'

/** The whole of results.md. */
export function writeUp(results, works, peers) {
  const measured = works.filter(({ name }) => results.hasWork(name))
  return [
    '# Results\n',
    'Written by `npm run bench:peers`: do not edit. What each column is, and what distorts it: [README.md](README.md).\n',
    ...results.runs.map(describe),
    ...(SCALE === 1 ? [] : [`Streams and channels × ${SCALE}: a trial, not a result.\n`]),
    ...[...results.leftOut].map(([name, reason]) => `- ${name}: ${reason}`),
    '',
    'Medians of the rounds, in brackets the lowest to the highest; a round that failed has no part in them, and its row says so. `–`: the peer cannot do this, or has failed.\n',
    '## Targets\n',
    `${targetTable(results, measured, peers)}\n`,
    ...measured.map((work) => `## ${work.title}\n\n${tables(results, work, peers)}`),
  ].join('\n')
}

function tables(results, work, peers) {
  return tablesOf(results, work, peers)
    .map(({ title, table }) => `${title}:\n\n${table}\n`)
    .join('\n')
}

function describe({ works, began, ended, machine, versions, command }) {
  return [
    `Run of ${works.join(', ')}:\n`,
    `- ${began} to ${ended}`,
    `- machine: ${machine}`,
    `- versions: ${versions}`,
    `- \`${command}\`\n`,
  ].join('\n')
}
