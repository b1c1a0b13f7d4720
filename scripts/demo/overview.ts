import { Hono } from 'hono'
import { protection, serveNode, type SuretyEnv } from '../../src/http/index.ts'
import { createLogger, systemClock } from 'surety'
import {
  buttonLink,
  card,
  command,
  html,
  htmlDocument,
  inlineCode,
  link,
  mainContent,
  pageHeading,
  renderMarkup,
  siteFooter,
  siteHeader,
  STYLESHEET,
  type Markup,
} from '../../src/ui/index.ts'
import type { ExampleSystem, RunningSystem } from './systems.ts'

export interface Overview {
  readonly url: string
  close(): Promise<void>
}

interface Shown {
  readonly example: ExampleSystem
  readonly running: RunningSystem
}

/** A page that leads to every running example. */
export async function startOverview(port: number, systems: readonly Shown[]): Promise<Overview> {
  const app = new Hono<SuretyEnv>()
  app.use(
    '*',
    protection({ clock: systemClock, logger: createLogger({ name: 'overview', level: 'silent' }) }),
  )
  app.get('/', (c) => c.html(renderMarkup(overviewPage(c.get('nonce'), systems))))
  app.get(STYLESHEET.path, (c) => c.body(STYLESHEET.text, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
  const { port: listening, close } = await serveNode({ fetch: app.fetch, port })
  return { url: `http://localhost:${listening}`, close }
}

function overviewPage(nonce: string, systems: readonly Shown[]): Markup {
  return htmlDocument({
    title: 'Surety examples',
    nonce,
    body: [
      siteHeader({ name: 'Surety examples', links: [] }),
      mainContent([
        pageHeading({
          title: 'Running examples',
          lead: 'Each is a small product with a security page whose sentences are enforced and measured while it runs.',
        }),
        systems.map(systemCard),
        html`<p class="small">To sign in, open a product and choose “Sign in”: the demo has an identity provider with made-up people. API keys for editors are printed by ${inlineCode('npm start')}.</p>`,
      ]),
      siteFooter('A demo on this machine only.'),
    ],
  })
}

function systemCard({ example, running }: Shown): Markup {
  return card({
    title: example.name,
    id: example.name,
    body: html`<div class="stack"><p>It ${example.about}.</p>
<p class="actions">${buttonLink(`${running.url}/security`, 'Read its security page', 'primary')}
${buttonLink(`${running.url}/`, 'Open the product')}
${link(`${running.url}/security/data`, 'See what it stores')}</p>
<div><p>Check it from outside:</p>
${command(`npx surety verify ${running.url}`)}</div></div>`,
  })
}
