import { attachServer, openDatabase, silentLogger } from '../../database/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { systemName } from '../../compose/system-name.ts'
import { systemFolder } from '../../compose/system-folder.ts'
import type { Command, Invocation } from '../command.ts'
import { CliError } from '../errors.ts'
import { CONFIG_OPTIONS, CONFIG_USAGE } from '../load-config.ts'
import { openTool, type Tool } from '../open-tool.ts'
import type { Attack, Caught, Target } from './attack.ts'
import { moveCiphertext, tamperRow, writePlaintext } from './break-envelope.ts'
import { cutTail } from './cut-tail.ts'
import {
  backdate,
  cutAudit,
  fork,
  hideFailure,
  mislabelChange,
  replaceKey,
  rewriteAudit,
  rewriteEntry,
  stopProbes,
  weakenPromise,
} from './forgeries.ts'

/** What `surety attack` can do. */
export const ATTACKS: readonly Attack[] = [
  ...[rewriteEntry, backdate, fork, hideFailure, replaceKey, weakenPromise, mislabelChange, stopProbes],
  ...[rewriteAudit, cutAudit],
  ...[writePlaintext, tamperRow, moveCiphertext, cutTail],
]

export const attackCommand: Command = {
  usage: [
    'surety attack NAME [--json]',
    '',
    ...ATTACKS.map(({ name, does }) => `  ${name.padEnd(16)} ${does}`),
    '',
    ...CONFIG_USAGE,
    '',
    'It works on the demo that `npm start` runs and on nothing else. What forges the log or the page does so',
    'on a copy. After write-plaintext, tamper-row, move-ciphertext and cut-tail the demo stays broken: to',
    'begin anew, stop it and remove its data folder.',
    '',
    'Exit: 0 it was caught · 1 it was not · 2 could not run',
  ],
  options: CONFIG_OPTIONS,
  async run(invocation) {
    const attack = chooseAttack(invocation)
    const tool = await openTool(invocation)
    const { terminal } = invocation
    try {
      const target = await openTarget(tool, invocation)
      const changed = await carryOut(attack, target)
      terminal.say(`${terminal.paint('strong', attack.name)}: ${changed}`)
      const caught = await attack.detect(target)
      terminal.result({ schema: 1, attack: attack.name, changed, caught })
      report(invocation, caught)
      return caught ? 0 : 1
    } finally {
      await tool.close()
    }
  },
}

function chooseAttack({ positionals }: Invocation): Attack {
  const attack = ATTACKS.find(({ name }) => name === positionals[0])
  if (attack && positionals.length === 1) return attack
  const names = ATTACKS.map(({ name }) => name).join(', ')
  throw new CliError('ERR_CLI_USAGE', 'attack takes the name of one attack', {
    mend: `surety attack NAME, one of: ${names}`,
  })
}

/** Refuses everything but the embedded database of the demo that this data folder's `ready.json` names. */
async function openTarget({ demo, config, ...tool }: Tool, { terminal }: Invocation): Promise<Target> {
  if (!demo || process.env['DATABASE_URL'])
    throw new CliError('ERR_CLI_NOT_DEMO', 'no demo runs on this data folder')
  const server = await attachServer(demo.ready.dataDir)
  if (server.databaseDir !== demo.ready.databaseDir) {
    throw new CliError('ERR_CLI_NOT_DEMO', 'the database is not the one that ready.json names')
  }
  const database = await openDatabase({
    server,
    dataDir: demo.ready.dataDir,
    name: systemName(config),
    clock: systemClock,
    logger: silentLogger,
  })
  const { evidence, signingKey, audit, auditSigningKey } = systemFolder(demo.system.dataDir)
  return {
    tool: { demo, config, ...tool },
    database,
    url: demo.system.url,
    evidenceFolder: evidence,
    signingKey,
    auditFolder: audit,
    auditSigningKey,
    terminal,
  }
}

async function carryOut(attack: Attack, target: Target): Promise<string> {
  try {
    return await attack.carryOut(target)
  } finally {
    await target.database.close()
  }
}

function report({ terminal }: Invocation, caught: Caught | null): void {
  if (!caught) return terminal.say(terminal.paint('bad', 'nothing noticed'))
  const { by, saw, verifyExit, logSize, views } = caught
  terminal.say(`${terminal.paint('good', 'caught by')} ${by}: ${saw}`)
  for (const view of views) {
    if (view.by !== by) terminal.say(terminal.paint('faint', `${view.by} saw ${view.saw ?? 'nothing'}`))
  }
  const published = logSize === null ? '' : `published: the evidence log has ${logSize} entries; `
  terminal.say(terminal.paint('faint', `${published}surety verify exits with ${verifyExit}`))
}
