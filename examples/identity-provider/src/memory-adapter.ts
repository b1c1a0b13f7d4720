import type { Adapter, AdapterPayload } from 'oidc-provider'

interface Kept {
  readonly payload: AdapterPayload
  readonly model: string
  readonly until: number
}

/**
 * Keeps what the provider has handed out until it ends, in memory: a restart of the demo signs everybody
 * out of the provider and out of nothing else.
 */
export function memoryAdapter(): (model: string) => Adapter {
  const kept = new Map<string, Kept>()
  const read = (key: string): AdapterPayload | undefined => {
    const found = kept.get(key)
    return found && found.until > Date.now() ? found.payload : undefined
  }
  const dropEnded = (): void => {
    for (const [key, { until }] of kept) if (until <= Date.now()) kept.delete(key)
  }
  const findBy = (model: string, name: 'uid' | 'userCode', value: string): AdapterPayload | undefined =>
    [...kept.values()].find((found) => found.model === model && found.payload[name] === value)?.payload
  return (model) => ({
    async upsert(id, payload, expiresIn) {
      dropEnded()
      const until = expiresIn ? Date.now() + expiresIn * 1000 : Number.POSITIVE_INFINITY
      kept.set(`${model}:${id}`, { payload, model, until })
    },
    find: async (id) => read(`${model}:${id}`),
    findByUid: async (uid) => findBy(model, 'uid', uid),
    findByUserCode: async (userCode) => findBy(model, 'userCode', userCode),
    async consume(id) {
      const found = kept.get(`${model}:${id}`)
      if (!found) return
      const payload = { ...found.payload, consumed: Math.floor(Date.now() / 1000) }
      kept.set(`${model}:${id}`, { ...found, payload })
    },
    async destroy(id) {
      kept.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key)
    },
  })
}
