import { KeysError } from '../errors.ts'
import type { KeyProvider } from '../provider.ts'
import type { ProviderUnderTest } from '../providers/provider-contract.ts'

/** The line to a provider, which a test can cut; the provider itself is a real one. */
export interface FailingLine {
  /** `hangs`: calls are never answered. `refuses`: each is refused at once. */
  state: 'works' | 'hangs' | 'refuses'
  /** Calls that were made over the line, working or not. */
  calls: number
  /** The provider at the other end of the line. */
  to(provider: KeyProvider): KeyProvider
}

/** What {@link outagesOf} gives, by name. */
export const LINE_OUTAGES = ['never answers', 'refuses']

/** Outages for the contract of a provider: every one of `lines` hangs, or refuses. */
export function outagesOf(...lines: readonly FailingLine[]): ProviderUnderTest['outages'] {
  const states: readonly FailingLine['state'][] = ['hangs', 'refuses']
  const all = (state: FailingLine['state']) => async (): Promise<void> =>
    lines.forEach((line) => (line.state = state))
  return states.map((state, at) => ({ name: LINE_OUTAGES[at]!, begin: all(state), end: all('works') }))
}

export function failingLine(): FailingLine {
  const line: FailingLine = {
    state: 'works',
    calls: 0,
    to(provider) {
      const over = <T>(work: () => Promise<T>): Promise<T> => {
        line.calls++
        if (line.state === 'hangs') return new Promise(() => undefined)
        if (line.state === 'works') return work()
        return Promise.reject(new KeysError('ERR_KEYS_PROVIDER_UNAVAILABLE', 'the line is cut'))
      }
      return {
        ...provider,
        create: (label) => over(() => provider.create(label)),
        wrap: (...values) => over(() => provider.wrap(...values)),
        unwrap: (...values) => over(() => provider.unwrap(...values)),
        destroy: (keyId) => over(() => provider.destroy(keyId)),
        list: () => over(() => provider.list()),
      }
    },
  }
  return line
}
