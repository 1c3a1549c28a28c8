import { Publisher } from './publisher.mjs'
import { sleep } from './sleep.mjs'

/** Publishes `count` messages, the i-th as `bodyOf(i)`, evenly at `perSecond`, and waits for the answers. */
export async function publishPaced(url, count, perSecond, bodyOf) {
  const publisher = new Publisher(url)
  await pace(publisher, count, perSecond, bodyOf)
  publisher.close()
}

export async function pace(publisher, count, perSecond, bodyOf) {
  const startMs = performance.now()
  const answers = []
  for (let i = 0; i < count; i += 1) {
    const dueMs = startMs + (i / perSecond) * 1000
    if (performance.now() < dueMs) await sleep(dueMs - performance.now())
    answers.push(publisher.publish(bodyOf(i)))
  }
  await Promise.all(answers)
}

const ARRIVAL_DEADLINE_MS = 20_000

/** Waits until so many are there, for 20 s: whoever counts tells what is missing. */
export async function arrival(total, expected) {
  const endMs = performance.now() + ARRIVAL_DEADLINE_MS
  while (total() < expected && performance.now() < endMs) await sleep(50)
}

/** Waits until a number has not changed for a while: nothing comes any more. */
export async function settle(total, pauseMs = 300) {
  for (let last = -1; last !== total();) {
    last = total()
    await sleep(pauseMs)
  }
}
