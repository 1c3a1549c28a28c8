/** Polls until `condition` holds; fails with `label` after the deadline. */
export async function waitFor(
  label: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const startedMs = performance.now()
  while (!(await condition())) {
    if (performance.now() - startedMs > deadlineMs) {
      throw new Error(`waited ${deadlineMs} ms in vain for: ${label}`)
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}
