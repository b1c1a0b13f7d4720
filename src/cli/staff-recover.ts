import { isId } from '../kernel/index.ts'
import { CliError } from './errors.ts'
import type { Command } from './command.ts'
import { openTool, TOOL_OPTIONS, TOOL_USAGE } from './open-tool.ts'

export const staffRecoverCommand: Command = {
  usage: [
    'surety staff-recover PERSON ROLE [--config FILE] [--url URL] [--json]',
    '',
    '  PERSON         id of the account: a member of staff who lost their passkey while nobody else could',
    '                 replace it, or somebody who becomes a further founder, where all of staff goes back to one',
    '  ROLE           their role among staff, as in staff.roles',
    ...TOOL_USAGE,
    '',
    'Prints a link that registers a passkey, once, while that person is signed in. Refused while staff can',
    'help itself at /console/staff.',
    '',
    'Exit: 0 done · 2 refused, or could not run',
  ],
  options: TOOL_OPTIONS,
  async run(invocation) {
    const [personId, role, ...more] = invocation.positionals
    if (personId === undefined || role === undefined || more.length > 0 || !isId(personId))
      throw new CliError('ERR_CLI_USAGE', 'surety staff-recover takes the id of a person, and a role', {
        mend: 'see: surety staff-recover --help',
      })
    const { surety, config, site, close } = await openTool(invocation)
    try {
      if (!surety.staff) throw new CliError('ERR_CLI_CONFIG', 'the configuration declares no staff')
      const { code } = await surety.staff.replacements.recover({ personId, role })
      const link = new URL(`/console/enrol#${code}`, site ?? `https://${config.origin}`).href
      invocation.terminal.result({ schema: 1, personId, link })
      invocation.terminal.say('Give this link to them; it serves once:', link)
      return 0
    } finally {
      await close()
    }
  },
}
