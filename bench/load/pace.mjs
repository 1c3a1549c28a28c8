import { Publisher } from './publisher.mjs'
import { sleep } from './sleep.mjs'

/** After the last one was published. */
const ANSWERS_DEADLINE_MS = 20_000

/** Publishes `count` messages, the i-th as `bodyOf(i)`, evenly at `perSecond`, and waits for the answers. */
export async function publishPaced(url, count, perSecond, bodyOf) {
  const publisher = new Publisher(url)
  await pace(publisher, count, perSecond, bodyOf)
  publisher.close()
}

/** Throws where a hub does not answer: a stalled reader must not make the load wait for ever. */
export async function pace(publisher, count, perSecond, bodyOf) {
  const startMs = performance.now()
  const answers = []
  for (let i = 0; i < count; i += 1) {
    const earlyMs = startMs + (i / perSecond) * 1000 - performance.now()
    if (earlyMs > 0) await sleep(earlyMs)
    answers.push(publisher.publish(bodyOf(i)))
  }
  await inTime(Promise.all(answers))
}

async function inTime(answers) {
  let timer
  const deadline = new Promise((_, reject) => {
    const late = () =>
      reject(new Error(`publishes were not answered within ${ANSWERS_DEADLINE_MS / 1000} s`))
    timer = setTimeout(late, ANSWERS_DEADLINE_MS)
  })
  try {
    await Promise.race([answers, deadline])
  } finally {
    clearTimeout(timer)
  }
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
