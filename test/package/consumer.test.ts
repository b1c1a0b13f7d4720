import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY, run, runTool } from '../../scripts/gates/tool.ts'

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  },
  include: ['*.ts'],
}

const APP = `
import { Hono } from 'hono'
import { defineSurety, openSurety, type Principal, type Surety } from 'surety'
import { notFoundHandler, problemHandler, type SuretyEnv } from 'surety/hono'
import { serveNode } from 'surety/node'

type AppEnv = SuretyEnv & { Variables: { principal: Principal } }

export function createApp(surety: Surety<{ notes: { id: string; title: string } }>): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.use(surety.protect())
  app.get('/notes', async (c) => {
    const { db } = surety.as(c.var.principal)
    return c.json({ nonce: c.var.nonce, notes: await db.selectFrom('notes').select('title').execute() })
  })
  app.route('/', surety.routes())
  return answers(app)
}

function answers<Env extends SuretyEnv>(app: Hono<Env>): Hono<Env> {
  const problems = { ERR_NOTES_FULL: { status: 409, title: 'There are too many notes' } } as const
  const options = { name: 'Notes', hasSecurityTxt: true, logger: console, problems }
  app.onError(problemHandler(options))
  app.notFound(notFoundHandler(options))
  return app
}

console.assert([defineSurety, openSurety, serveNode].every((entry) => typeof entry === 'function'))
const app = answers(new Hono<AppEnv>())
app.get('/crash', () => {
  throw new TypeError('a secret of the inside')
})
const crash = await app.request('/crash')
console.log(crash.status, crash.headers.get('Content-Type'), await crash.text())
console.log((await app.request('/nowhere')).status)
`

let root: string

/** The package as it is published, in the node_modules of an app of its own. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'surety-consumer-'))
  const modules = join(root, 'node_modules')
  const surety = join(modules, 'surety')
  mkdirSync(surety, { recursive: true })
  for (const name of readdirSync(join(REPOSITORY, 'node_modules')))
    if (name !== 'surety' && !name.startsWith('.'))
      symlinkSync(join(REPOSITORY, 'node_modules', name), join(modules, name), 'junction')
  cpSync(join(REPOSITORY, 'package.json'), join(surety, 'package.json'))
  const dist = join(surety, 'dist')
  const build = await runTool(
    'typescript/bin/tsc',
    ['-p', 'tsconfig.build.json', '--outDir', dist],
    REPOSITORY,
  )
  expect(build).toMatchObject({ code: 0 })
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  writeFileSync(join(root, 'app.ts'), APP)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('an app outside this repository', () => {
  test('mounts surety on a Hono app of its own, in types', async () => {
    expect(await runTool('typescript/bin/tsc', ['-p', '.', '--pretty', 'false'], root)).toMatchObject({
      code: 0,
      stdout: '',
    })
  })

  test('answers errors with surety/hono and shows nothing of the inside', async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['app.ts'], root)
    expect({ code, lines: stdout.trim().split('\n').length, stderr }).toMatchObject({ code: 0, lines: 2 })
    expect(stdout).toMatch(/^500 application\/problem\+json /)
    expect(stdout).not.toContain('a secret of the inside')
    expect(stdout).toMatch(/\n404\n$/)
  })
})
