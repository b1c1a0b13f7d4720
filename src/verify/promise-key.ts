/** What identifies a promise: its id, and its parameters sorted by name and percent-encoded. */
export function formatPromiseKey(promise: {
  readonly id: string
  readonly params: Readonly<Record<string, string>>
}): string {
  const params = Object.entries(promise.params)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return params.length === 0 ? promise.id : `${promise.id}?${params.join('&')}`
}
