/** A pause of the load: it sets a pace. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
