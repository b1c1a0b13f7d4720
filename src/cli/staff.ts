import { LEAST_STAFF } from '../access/index.ts'
import type { StaffConfig, SuretyConfig } from '../declare/index.ts'
import { StaffError, staffPages } from '../staff/index.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { CliError } from './errors.ts'
import { membersOf, unfit, type Founder } from './founders.ts'
import { loadConfig } from './load-config.ts'
import { openTool, TOOL_OPTIONS, TOOL_USAGE, type Tool } from './open-tool.ts'
import type { Terminal } from './terminal.ts'

export const staffCommand: Command = {
  usage: [
    'surety staff found ROLE=WHO … [--config FILE] [--url URL] [--json]',
    'surety staff recover ROLE=WHO [--config FILE] [--url URL] [--json]',
    '',
    '  found          name the first members of staff, once, and print a link for each, with which they',
    '                 register their passkey; it is shown this once, serves once, and ends after 24 hours',
    '  recover        a link, for an hour, for a member who lost their passkey, where nobody else among staff can',
    '                 replace it; or for a further founder, where all of staff goes back to one',
    '  ROLE           one of staff.roles in the configuration; of those who found, one must appoint others',
    '  WHO            the e-mail address of their account, which is made where there is none; or their id',
    ...TOOL_USAGE,
    '',
    'For example: surety staff found lead=ravi@staff.example lead=tove@staff.example support=ines@staff.example',
    '',
    'Exit: 0 done · 2 refused, or could not run: nobody became staff; an account may have been made',
  ],
  options: TOOL_OPTIONS,
  async run(invocation) {
    const { action, people } = readAction(invocation)
    const { config } = await loadConfig(invocation)
    requireRoles(config, people)
    if (action === 'found') requireAppointer(config, people)
    const tool = await openTool(invocation)
    try {
      return await (action === 'found' ? found : recover)(tool, invocation.terminal, people)
    } finally {
      await tool.close()
    }
  },
}

interface Action {
  readonly action: 'found' | 'recover'
  readonly people: readonly Founder[]
}

function readAction({ positionals: [action, ...given] }: Invocation): Action {
  const people = given.map((text): Founder => {
    const at = text.indexOf('=')
    return { role: text.slice(0, Math.max(at, 0)), who: text.slice(at + 1).trim() }
  })
  const fit = people.length > 0 && people.every(({ role, who }) => role !== '' && who !== '')
  if (fit && (action === 'found' || (action === 'recover' && people.length === 1))) return { action, people }
  throw new CliError('ERR_CLI_USAGE', 'surety staff does not know what is meant', {
    mend: 'see: surety staff --help',
  })
}

async function found(
  { surety, site }: Tool,
  terminal: Terminal,
  founders: readonly Founder[],
): Promise<ExitCode> {
  const { staff, config } = surety
  if (!staff) throw withoutStaff()
  // Before accounts are made for nothing; the room looks again, and at more.
  if ((await staff.members.all()).size > 0)
    throw new StaffError('ERR_STAFF_FOUNDED', 'somebody is or was staff already')
  const members = await membersOf(surety, founders)
  const enrolments = await staff.members.found(members)
  const links = enrolments.map(({ personId, code }, i) => {
    return { ...founders[i]!, personId, link: linkOf({ config, site }, code) }
  })
  terminal.result({ schema: 1, members: links })
  for (const { role, who, link } of links)
    terminal.say(`${terminal.paint('strong', role)}  ${who}`, `  ${link}`, '')
  terminal.say(
    'Each signs in first, then opens their own link and registers a passkey, within 24 hours.',
    'The links are not shown again: hand each to its owner alone, for whoever has it and is signed in as them decides as they do.',
    ...adviceOn(config.staff!.roles, founders).map((line) => terminal.paint('open', line)),
  )
  return 0
}

async function recover(
  { surety, site }: Tool,
  terminal: Terminal,
  people: readonly Founder[],
): Promise<ExitCode> {
  const { staff, config } = surety
  if (!staff) throw withoutStaff()
  if ((await staff.members.all()).size === 0) throw new StaffError('ERR_STAFF_FOUNDED', 'nobody is staff yet')
  const [member] = await membersOf(surety, people)
  const { personId, code } = await staff.replacements.recover(member!)
  const link = linkOf({ config, site }, code)
  terminal.result({ schema: 1, personId, link })
  terminal.say('Give this link to them alone; it serves once, while they are signed in:', `  ${link}`)
  return 0
}

/** Behind the # where no server and no log sees it. */
function linkOf({ config, site }: { config: SuretyConfig; site: string | null }, code: string): string {
  return `${site ?? `https://${config.origin}`}${staffPages.CONSOLE_PATHS.enrol}#${code}`
}

type StaffRoles = StaffConfig['roles']

function requireRoles({ staff }: SuretyConfig, people: readonly Founder[]): void {
  if (!staff) throw withoutStaff()
  const { roles } = staff
  if (people.every(({ role }) => Object.hasOwn(roles, role))) return
  throw unfit('a role of staff is not declared', `name one of: ${Object.keys(roles).join(', ')}`)
}

/** Staff whom nobody may appoint to would stay who they are: founders are named once. */
function requireAppointer({ staff }: SuretyConfig, founders: readonly Founder[]): void {
  const { roles } = staff!
  if (founders.some(({ role }) => appoints(roles, role))) return
  const fit = Object.keys(roles).filter((role) => appoints(roles, role))
  throw unfit(
    'nobody of these appoints others, and founders are named once',
    `name somebody as: ${fit.join(', ')}`,
  )
}

function withoutStaff(): Error {
  return unfit('the configuration declares no staff', 'declare staff in surety.config')
}

function appoints(roles: StaffRoles, role: string): boolean {
  return (roles[role]?.appoints ?? []).length > 0
}

function adviceOn(roles: StaffRoles, founders: readonly Founder[]): string[] {
  const appointing = founders.filter(({ role }) => appoints(roles, role)).length
  return [
    ...(founders.length < LEAST_STAFF
      ? ['With fewer than three members nobody is left to review: the promises about staff stay unproven.']
      : []),
    ...(appointing < 2
      ? ['One alone appoints: nobody can give that one another link. Let them appoint a second soon.']
      : []),
  ]
}
