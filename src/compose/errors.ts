import { defineErrors } from '../kernel/index.ts'

export const SuretyStartError = defineErrors('SuretyStartError', {
  ERR_START_PAGE: 'correct page: in surety.config, so that it names your security.md',
  ERR_START_MIGRATE: 'look at the plan and apply it: surety migrate --yes',
  ERR_START_FOLDER: 'make space on the disk of the data folder, and see that this account can write to it',
  ERR_START_CLOCK:
    'unset SURETY_CLOCK_OFFSET: it is for demos on the embedded database, forward only, such as 27d',
})
