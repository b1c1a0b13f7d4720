export { formatPromiseKey } from '../verify/index.ts'

/** A promise as a link names it. */
export interface PromiseTarget {
  readonly id: string
  readonly params: Readonly<Record<string, string>>
}

export const PROMISE_SCHEME = 'promise:'

const TARGET = /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\.[a-z][a-z0-9]*(?:-[a-z0-9]+)*)+)(?:\?(.+))?$/
const PARAMETER = /^([a-z][A-Za-z0-9]{0,39})=([A-Za-z0-9\-._~!$'()*,;:@/%+]{1,400})$/
/** Greatest length of a parameter's value, in UTF-16 code units. */
const MAX_VALUE = 200

function decodeValue(text: string): string | null {
  try {
    const value = decodeURIComponent(text)
    // oxlint-disable-next-line no-control-regex
    return value.length > MAX_VALUE || /[\u0000-\u001f\u007f]/.test(value) ? null : value
  } catch {
    return null
  }
}

/** What the target `promise:id?param=value&…` names, or in words what is wrong with it. */
export function parsePromiseTarget(href: string): PromiseTarget | string {
  const match = TARGET.exec(href.slice(PROMISE_SCHEME.length))
  if (!match) return 'the id is not of the form group.name'
  const params = new Map<string, string>()
  for (const part of match[2]?.split('&') ?? []) {
    const pair = PARAMETER.exec(part)
    const value = pair ? decodeValue(pair[2]!) : null
    if (!pair || value === null) return 'a parameter is not of the form name=value, percent-encoded'
    if (params.has(pair[1]!)) return `the parameter ${pair[1]!} is given twice`
    params.set(pair[1]!, value)
  }
  return { id: match[1]!, params: Object.fromEntries(params) }
}
