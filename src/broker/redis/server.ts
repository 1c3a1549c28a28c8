/** What `INFO` tells of the server that matters here. */
export interface RedisServer {
  readonly runId: string
  readonly version: string
  readonly evictionPolicy: string
}

const MIN_VERSION = [6, 2] as const

export function readServer(info: string): RedisServer {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? ''
  return {
    runId: field('run_id'),
    version: field('redis_version'),
    evictionPolicy: field('maxmemory_policy'),
  }
}

/** What of this server would break a promise. */
export function describeServer({ version, evictionPolicy }: RedisServer): string[] {
  const warnings: string[] = []
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1])) {
    warnings.push('this Redis is older than 6.2: it is not supported')
  }
  if (evictionPolicy !== '' && evictionPolicy !== 'noeviction') {
    warnings.push(
      'redis may evict keys: messages could be lost without a gap event; set maxmemory-policy noeviction',
    )
  }
  return warnings
}
