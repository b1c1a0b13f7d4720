import { defineErrors } from '../kernel/index.ts'

export const LogError = defineErrors('LogError', {
  ERR_LOG_ORIGIN:
    'restore the configured origin: a log keeps its origin for life; another origin needs a folder and a name of its own',
  ERR_LOG_KEY:
    'put back the private key that signed this log, or start a log of another origin with a visible break',
  ERR_LOG_KEY_FILE: 'put back the key file from its copy; it must be readable by its owner only (chmod 600)',
  ERR_LOG_FOLDER_BEHIND:
    'put back the newest published tiles and checkpoint into the log folder; what was published must not be unsaid',
  ERR_LOG_TAMPERED:
    'put back the published tiles and checkpoint from a copy; find out who changed the log folder',
  ERR_LOG_FORK:
    'do not start: database and folder belong to different histories; restore the one that fits the other',
  ERR_LOG_NOT_OPENED: 'start the server once: it opens the log and publishes its first checkpoint',
  ERR_LOG_ENTRY:
    'mend the caller: the entry does not have the shape of its kind, or is longer than 65,535 bytes',
  ERR_LOG_QUEUE: 'look at this row of surety.log_queue: something other than the log wrote it',
  ERR_LOG_NOT_PUBLISHED: 'see that the server runs: it publishes what other processes append',
  ERR_LOG_WITNESS: 'see that the witness runs, knows this log, and has the key that the configuration names',
  ERR_LOG_WITNESS_CONFLICT:
    'find out why the witness has seen another log: a restored folder, a second server, or somebody with the key',
  ERR_LOG_WITNESS_REQUEST: 'send an add-checkpoint request as C2SP tlog-witness lays it out',
  ERR_LOG_WITNESS_STATE:
    'put back the newest copy of the witness’s folder, or retire this witness and begin one with a new key: what it signed must not be forgotten',
  ERR_LOG_CLOSED: 'open the log again',
  ERR_LOG_BODY:
    'look at this row of surety.audit_bodies: something other than the log changed it; restore it from a backup',
  ERR_LOG_PERIOD:
    'put back the key folder that belongs to this database; the key of this audit period must exist until its end',
  ERR_LOG_RETENTION: 'keep audit entries for at least 12 days: retention.logs?atMost=… on the security page',
  ERR_LOG_NO_ENTRY: 'ask for an index below the size of the checkpoint',
})
