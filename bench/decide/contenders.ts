import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { decide } from '../../src/access/index.ts'
import { compileRoles, type Matrix, type Question } from './matrix.ts'

/** Answers questions about one matrix. */
export interface Contender {
  readonly name: string
  /** Questions in one measured step: a single one where it takes long enough to be timed. */
  readonly step: number
  ask(question: Question): boolean
}

/** Ours: compiled permissions, one set for each list of roles. */
export function createOurs(matrix: Matrix): Contender {
  const roles = compileRoles(matrix)
  return {
    name: 'ours',
    step: 100,
    ask({ person, resource, action, reach }) {
      const scope = decide(matrix.people[person]!, roles, resource, action)
      return scope === reach || scope === 'tenant'
    },
  }
}

/** What somebody would write by hand: a set of texts for each role. It knows no tenants and no columns. */
export function createByHand({ allowed, people }: Matrix): Contender {
  const sets = new Map(
    [...allowed].map(([role, list]) => [
      role,
      new Set(list.map(({ resource, action, reach }) => `${resource} ${action} ${reach}`)),
    ]),
  )
  return {
    name: 'byHand',
    step: 100,
    ask({ person, resource, action, reach }) {
      const text = `${resource.name} ${action} ${reach}`
      return people[person]!.roles.some((role) => sets.get(role)!.has(text))
    },
  }
}

interface Casl {
  createMongoAbility(rules: readonly { action: string; subject: string }[]): {
    can(action: string, subject: string): boolean
  }
}

/** CASL as its guide shows for roles: an ability for each list of roles, made when first needed and kept. */
export async function createCasl({ allowed, people }: Matrix): Promise<Contender> {
  const { createMongoAbility } = await load<Casl>('@casl/ability')
  const abilities = new Map<string, ReturnType<Casl['createMongoAbility']>>()
  return {
    name: 'casl',
    step: 100,
    ask({ person, resource, action, reach }) {
      const { roles } = people[person]!
      const key = roles.join()
      let ability = abilities.get(key)
      if (!ability) {
        const rules = roles.flatMap((role) => allowed.get(role)!)
        ability = createMongoAbility(
          rules.map((rule) => ({ action: `${rule.action}:${rule.reach}`, subject: rule.resource })),
        )
        abilities.set(key, ability)
      }
      return ability.can(`${action}:${reach}`, resource.name)
    },
  }
}

interface Casbin {
  newModelFromString(text: string): unknown
  newEnforcer(model: unknown): Promise<{
    addPolicies(rules: readonly string[][]): Promise<boolean>
    addGroupingPolicies(rules: readonly string[][]): Promise<boolean>
    enforceSync(...request: string[]): boolean
  }>
}

const MODEL = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
`

/** casbin with its own model of roles, all people in it. */
export async function createCasbin({ allowed, people }: Matrix): Promise<Contender> {
  const { newModelFromString, newEnforcer } = await load<Casbin>('casbin')
  const enforcer = await newEnforcer(newModelFromString(MODEL))
  const policies = [...allowed].flatMap(([role, list]) =>
    list.map(({ resource, action, reach }) => [role, resource, `${action}:${reach}`]),
  )
  await enforcer.addPolicies(policies)
  await enforcer.addGroupingPolicies(people.flatMap(({ id, roles }) => roles.map((role) => [id, role])))
  return {
    name: 'casbin',
    step: 1,
    ask: ({ person, resource, action, reach }) =>
      enforcer.enforceSync(people[person]!.id, resource.name, `${action}:${reach}`),
  }
}

const FOLDER = fileURLToPath(new URL('rivals/', import.meta.url))

async function load<Module>(name: string): Promise<Module> {
  await install()
  const { resolve } = createRequire(join(FOLDER, 'package.json'))
  return (await import(pathToFileURL(resolve(name)).href)) as Module
}

/** The rivals' packages, where they are missing, without their install scripts. */
async function install(): Promise<void> {
  const isThere = await access(join(FOLDER, 'node_modules', 'casbin')).then(
    () => true,
    () => false,
  )
  if (isThere) return
  process.stderr.write("decide: installing the rivals' packages\n")
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  const child = spawn('npm', args, { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] })
  const code = await new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject))
  if (code !== 0) throw new TypeError(`installing the rivals' packages ended with ${String(code)}`)
}
