import { defineErrors } from '../kernel/index.ts'

export const KeysError = defineErrors('KeysError', {
  ERR_KEYS_FOLDER:
    'give the keys a folder of their own, outside the database, that only this user can enter (mode 0700)',
  ERR_KEYS_FORMAT: 'restore the key file, or run a version of Surety that understands it',
  ERR_KEYS_PROVIDER_UNAVAILABLE: 'check that the key provider answers; nothing was stored',
  ERR_KEYS_PROVIDER_CONFIG:
    'correct what the message names under keys.provider, in its environment variable or its file',
  ERR_KEYS_DESTROYED: 'the key was destroyed on purpose; what it sealed stays sealed',
  ERR_KEYS_DESTROY_PENDING:
    'check the replica that the message names; the key is destroyed there when destroying is tried again',
  ERR_KEYS_UNWRAP: 'check that the key folder belongs to this database and that nobody edited its rows',
  ERR_KEYS_EPOCH: 'put back the key folder that belongs to this database, or start with a fresh data folder',
  ERR_KEYS_ERASED: 'the subject was erased and never gets a key again; use a new subject id',
  ERR_KEYS_BUSY:
    'nothing is lost: the rotation goes on where it stopped; end the transactions that stay open for long',
  ERR_KEYS_CLOCK:
    'nothing was destroyed: set the clock right (NTP) and restart the app; beside a demo, give the same SURETY_CLOCK_OFFSET',
  ERR_KEYS_OWNER: 'seal a row with the data key of its own tenant and subject',
  ERR_KEYS_ENVELOPE_FORMAT:
    'the stored bytes are no envelope of this version; restore the row or run a newer Surety',
  ERR_KEYS_ENVELOPE_OPEN: 'the row was edited or moved outside Surety; restore it from a backup',
})
