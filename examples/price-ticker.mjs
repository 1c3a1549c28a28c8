// Prices as they change. Start the hub with PIAZZA_CORS_ORIGINS=http://localhost:3000 script/server
//
// `last=1` gives a page that opens the newest price of each symbol at once, not at its next change. After a lost
// connection the browser goes on behind its last id: nothing in between is missing.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  collect,
  complain,
  hub,
  isHeadless,
  opened,
  publish,
  servePage,
  subscribe,
} from './hub.mjs'

const SYMBOLS = ['ACME', 'GLOBEX', 'INITECH']
const STREAM = `/channels/${SYMBOLS.map((symbol) => `prices.${symbol}`).join()}?last=1`

function quote(symbol, price) {
  return publish({ channel: `prices.${symbol}`, data: { symbol, price } })
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>Price ticker</title>
<table>${SYMBOLS.map((symbol) => `<tr><th>${symbol}<td id="${symbol}">…`).join('')}</table>
<script type="module">
  const source = new EventSource('${hub}${STREAM}')
  source.onmessage = (event) => {
    const { symbol, price } = JSON.parse(event.data)
    document.getElementById(symbol).textContent = price.toFixed(2)
  }
</script>`

if (isHeadless) {
  for (const [i, symbol] of SYMBOLS.entries()) {
    await quote(symbol, 10 + i)
    await quote(symbol, 20 + i)
  }
  const stream = await opened(subscribe(STREAM))
  const atOpen = (await collect(stream, SYMBOLS.length)).map(({ data }) => JSON.parse(data))
  await quote('GLOBEX', 99)
  const [live] = (await collect(stream, 1)).map(({ data }) => JSON.parse(data))
  await stream.return()

  console.log('when the page opens:', JSON.stringify(atOpen))
  console.log('then live:', JSON.stringify(live))
  assert.deepEqual(
    atOpen,
    SYMBOLS.map((symbol, i) => ({ symbol, price: 20 + i })),
  )
  assert.deepEqual(live, { symbol: 'GLOBEX', price: 99 })
} else {
  servePage(page)
  const prices = new Map(SYMBOLS.map((symbol) => [symbol, 100]))
  for (;;) {
    const symbol = SYMBOLS[Math.floor(Math.random() * SYMBOLS.length)]
    const price = prices.get(symbol) + Math.random() - 0.5
    prices.set(symbol, price)
    const delayMs = await quote(symbol, price).then(
      () => 300,
      (error) => {
        complain(error)
        return 5000
      },
    )
    await sleep(delayMs)
  }
}
