import { defineErrors } from '../kernel/index.ts'

export const DatabaseError = defineErrors('DatabaseError', {
  ERR_DATABASE_LOCKED: 'stop the process that holds the data folder, or choose another with SURETY_DATA',
  ERR_DATABASE_NOT_RUNNING: 'start the server that owns the data folder first (npm start)',
  ERR_DATABASE_RECORD:
    'move the named file aside; if the cluster is still needed, restore the file from where it was kept',
  ERR_DATABASE_ACCOUNT: 'create an account the server can run as: useradd --system --no-create-home postgres',
  ERR_DATABASE_FOLDER: 'choose a data folder that this user may write, with SURETY_DATA',
  ERR_DATABASE_BINARIES: 'install again with npm ci (optional dependencies included), or set DATABASE_URL',
  ERR_DATABASE_INITIALISE: 'look at the cause; an unfinished cluster is removed by itself at the next start',
  ERR_DATABASE_SERVER_START: 'look at the server log named in the message',
  ERR_DATABASE_SERVER_STOP: 'end the named process by hand',
  ERR_DATABASE_CONNECT: 'check that DATABASE_URL is right and that the server answers',
  ERR_DATABASE_VERSION: 'use Postgres 15 or newer',
  ERR_DATABASE_ROLES:
    'run the statements in the message as an administrator, then set SURETY_APP_DATABASE_URL',
  ERR_DATABASE_BYPASS: 'give the app a role that owns nothing and belongs to no other role',
  ERR_DATABASE_MIGRATION_CHANGED: 'restore the migration as it was released and add a new one instead',
  ERR_DATABASE_NEWER: 'run the version of Surety that wrote this database, or a newer one',
  ERR_DATABASE_DESTRUCTIVE: 'run the named statement by hand, or declare the resource as it was',
  ERR_DATABASE_NAME:
    'use letters, digits and underscores, beginning with a letter; no two names may differ in case only',
  ERR_DATABASE_INTEGER: 'the column holds an integer beyond ±(2^53 − 1); correct the row',
  ERR_DATABASE_CLOCKS:
    'nothing was destroyed: set the clocks of app and database right (NTP), then restart the app',
  ERR_DATABASE_JOBS: 'use a declared queue name and a payload of ids only',
})
