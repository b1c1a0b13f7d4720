/**
 * Every way this service says no to a client of the WakaTime protocol: a closed table.
 *
 * `item` codes refuse one heartbeat and always carry status 400 inside the reply: real clients send
 * again at once, thousands of times a second, on any other status for an item. `request` codes
 * refuse the whole request before anything is stored.
 */
const REFUSALS = {
  ERR_WAKATIME_KEY_MISSING: { status: 401, message: 'send your API key as Authorization: Basic base64(key)' },
  ERR_WAKATIME_KEY_DEAD: { status: 401, message: 'this API key is not in use' },
  ERR_WAKATIME_BODY_LARGE: { status: 413, message: 'the body is larger than 1 MiB' },
  ERR_WAKATIME_BODY_ENCODING: { status: 415, message: 'send the body without Content-Encoding' },
  ERR_WAKATIME_BODY_CUT: { status: 400, message: 'the body ended early' },
  ERR_WAKATIME_BODY_UTF8: { status: 400, message: 'the body is not UTF-8' },
  ERR_WAKATIME_BODY_JSON: { status: 400, message: 'the body is not JSON' },
  ERR_WAKATIME_BODY_DEEP: { status: 400, message: 'the JSON nests deeper than 16 levels' },
  ERR_WAKATIME_BODY_SHAPE: { status: 400, message: 'send one heartbeat or an array of heartbeats' },
  ERR_WAKATIME_BODY_ITEMS: { status: 400, message: 'the array has more than 1,000 items' },
  ERR_WAKATIME_QUERY: { status: 400, message: 'a query parameter is missing or not understood' },
  ERR_WAKATIME_NOT_FOUND: { status: 404, message: 'there is no such thing here' },
  ERR_WAKATIME_FORBIDDEN: { status: 403, message: 'your role does not allow this' },
  ERR_WAKATIME_NETWORK: { status: 403, message: 'your team cannot be reached from this network' },
  ERR_WAKATIME_BUSY: { status: 503, message: 'try again in a moment' },
  ERR_WAKATIME_INTERNAL: { status: 500, message: 'something failed here; nothing was stored' },
  ERR_HEARTBEAT_SHAPE: { status: 400, message: 'a heartbeat is an object' },
  ERR_HEARTBEAT_SURPLUS: { status: 400, message: 'at most 25 heartbeats a request are stored' },
  ERR_HEARTBEAT_MEMBERS: { status: 400, message: 'a heartbeat has at most 64 members' },
  ERR_HEARTBEAT_MISSING: { status: 400, message: 'a required member is missing' },
  ERR_HEARTBEAT_TYPE: { status: 400, message: 'a member has the wrong type' },
  ERR_HEARTBEAT_LENGTH: { status: 400, message: 'a member is too long' },
  ERR_HEARTBEAT_RANGE: { status: 400, message: 'a number is outside its range' },
  ERR_HEARTBEAT_CHOICE: { status: 400, message: 'a member has none of the values it may have' },
  ERR_HEARTBEAT_TEXT: { status: 400, message: 'a text holds a NUL character or a lone surrogate' },
  ERR_HEARTBEAT_TOO_OLD: { status: 400, message: 'the time is more than 366 days ago' },
  ERR_HEARTBEAT_TOO_NEW: { status: 400, message: 'the time is more than 24 hours ahead' },
} as const

export type RefusalCode = keyof typeof REFUSALS

/** One refusal. Names the member at fault, never its value. */
export interface Refusal {
  readonly code: RefusalCode
  readonly status: (typeof REFUSALS)[RefusalCode]['status']
  readonly message: string
}

/** Makes a refusal; `member` is one of our own member names, put before the message. */
export function refuse(code: RefusalCode, member?: string): Refusal {
  const { status, message } = REFUSALS[code]
  return { code, status, message: member === undefined ? message : `${member}: ${message}` }
}

/** All codes, for the test that holds the table against its use. */
export const REFUSAL_CODES = Object.keys(REFUSALS) as RefusalCode[]

export function isRefusal(value: object): value is Refusal {
  return 'code' in value && typeof value.code === 'string' && Object.hasOwn(REFUSALS, value.code)
}
