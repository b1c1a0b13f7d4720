import { Hono, type Context } from 'hono'
import { listApiKeys, makeApiKey, MOST_KEYS, revokeApiKey } from './api-keys.ts'
import { RequestRefused, type Service } from './api-request.ts'
import { FORM_TOKEN, ownForm, show, type PageEnv } from './page-request.ts'
import type { Person } from './people.ts'
import { CONNECT_PATH, connectPage, type ConnectView } from './view/connect.ts'
import { visitorOf } from './visitor.ts'

/** How an editor is pointed here: the keys that a person makes for theirs. */
export function connectRoutes(service: Service): Hono<PageEnv> {
  const { backend, signIn } = service
  const pages = new Hono<PageEnv>()
  const page = async (
    c: Context<PageEnv>,
    person: Person | null,
    more: Pick<ConnectView, 'made' | 'problem'> = {},
  ) => {
    const form = await signIn.formToken(c.req.raw)
    return connectPage({
      nonce: c.get('nonce'),
      apiUrl: `${new URL(c.req.url).origin}/api/v1`,
      visitor: person && {
        person,
        form: { [FORM_TOKEN]: form ?? '' },
        // Staff who see this as the person see no keys: nothing of theirs opens with one.
        keys: person.principal.kind === 'user' ? await listApiKeys(backend, person) : null,
      },
      ...more,
    })
  }
  const change = (
    path: string,
    act: (c: Context<PageEnv>, person: Person, form: FormData) => Promise<Response>,
  ) =>
    pages.post(path, async (c) => {
      const form = await ownForm(c, service)
      const person = await visitorOf(backend, c.req.raw)
      if (!person) throw new RequestRefused('ERR_WAKATIME_FORBIDDEN')
      return act(c, person, form)
    })

  pages.get(CONNECT_PATH, async (c) => show(c, await page(c, await visitorOf(backend, c.req.raw))))
  change(`${CONNECT_PATH}/keys`, async (c, person) => {
    const made = await makeApiKey(backend, person)
    if (made !== null) return show(c, await page(c, person, { made }))
    const problem = `You have ${MOST_KEYS} keys already: revoke one that no editor uses.`
    return show(c, await page(c, person, { problem }), 409)
  })
  change(`${CONNECT_PATH}/keys/revoke`, async (c, person, form) => {
    const id = form.get('id')
    if (typeof id === 'string') await revokeApiKey(backend, person, id)
    return c.redirect(CONNECT_PATH, 303)
  })
  return pages
}
