import { defineErrors } from '../kernel/index.ts'

/** A command that could not run: exit code 2. */
export const CliError = defineErrors('CliError', {
  ERR_CLI_USAGE: 'see: surety --help',
  ERR_CLI_CONFIG: 'run it where surety.config.ts lies, or give its path with --config',
  ERR_CLI_DATABASE: 'see that the system still runs (npm start), then try again',
  ERR_CLI_STATE: 'give a file that an earlier --state wrote, or a new name',
  ERR_CLI_DESTRUCTIVE: 'run the shown destructive statements by hand, in a transaction, after a backup',
  ERR_CLI_SCAN: 'name files and folders that are there',
  ERR_CLI_STAFF: 'see: surety staff --help',
  ERR_CLI_NOT_DEMO: 'start a demo with: npm start -- coding-metrics, and run the attack beside it',
  ERR_CLI_NO_TARGET: 'use the demo until it has stored something, then try again',
})
