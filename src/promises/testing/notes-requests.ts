import type { CanaryIntent } from '../../declare/index.ts'

/**
 * The request that an intent means to the app of notes; null where it has no such route.
 * @param credentials null for a visitor
 */
export function requestFor(
  intent: CanaryIntent,
  credentials: string | null,
): { readonly path: string; readonly init: RequestInit } | null {
  const call = callFor(intent)
  return call && { path: withSmuggled(call.path, intent), init: initOf(call.method, credentials, intent) }
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
}

function callFor({ action, resource: name, id, foreign }: CanaryIntent): Call | null {
  const query = foreign?.place === 'query' && foreign.tenant ? `?team=${foreign.tenant}` : ''
  if (foreign && foreign.place !== 'body' && foreign.tenant === undefined) return null
  if (name === 'people' && action === 'list' && !foreign) return { method: 'GET', path: '/people' }
  if (name !== 'notes') return null
  if (action === 'create') return { method: 'POST', path: '/notes' }
  if (action === 'list' && foreign?.place === 'path')
    return { method: 'GET', path: `/teams/${foreign.tenant}/notes` }
  if (action === 'list') return { method: 'GET', path: `/notes${query}` }
  if (action === 'export') return { method: 'GET', path: `/export${query}` }
  const method = ({ read: 'GET', update: 'PUT', delete: 'DELETE' } as const)[action]
  return { method, path: `/notes/${id}${query}` }
}

function withSmuggled(path: string, { undeclared }: CanaryIntent): string {
  if (undeclared?.place !== 'query') return path
  return `${path}${path.includes('?') ? '&' : '?'}${undeclared.name}=${undeclared.value}`
}

function initOf(
  method: Call['method'],
  credentials: string | null,
  { values, undeclared, foreign, headers }: CanaryIntent,
): RequestInit {
  const { personId: _, teamId: __, ...own } = values ?? {}
  const ids = foreign?.place === 'body' ? { teamId: foreign.tenant, personId: foreign.person } : {}
  const smuggled = undeclared?.place === 'body' ? { [undeclared.name]: undeclared.value } : {}
  const hasBody = method === 'POST' || method === 'PUT'
  return {
    method,
    headers: { ...(credentials !== null && { authorization: credentials }), ...headers },
    ...(hasBody && { body: JSON.stringify({ ...own, ...ids, ...smuggled }) }),
  }
}
