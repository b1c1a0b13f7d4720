import { randomBytes } from 'node:crypto'
import { inOneTransaction, type AccountStore } from '../database.ts'
import { hashSecret } from '../secrets.ts'
import { toBase32 } from './totp.ts'

/** Codes that let a person in once each without their second factor. */
export interface RecoveryCodes {
  /** New codes in place of all old ones; shown this once, for only their hashes are stored. */
  renew(personId: string): Promise<string[]>
  /** Whether the code is one of the person's; it is spent then, by one of those who race for it. */
  spend(personId: string, code: string): Promise<boolean>
  left(personId: string): Promise<number>
  remove(personId: string): Promise<void>
}

const CODES = 10
/** 80 bits: as random as a token, so that SHA-256 is enough. */
const CODE_BYTES = 10

export function createRecoveryCodes(store: AccountStore): RecoveryCodes {
  const table = () => store('recovery', ['recovery_codes'])
  return {
    async renew(personId) {
      const codes = Array.from({ length: CODES }, mintRecoveryCode)
      await inOneTransaction(table(), async (db) => {
        await db.deleteFrom('recovery_codes').where('personId', '=', personId).execute()
        const rows = codes.map((code) => ({ personId, codeHash: hashCode(code) }))
        await db.insertInto('recovery_codes').values(rows).execute()
      })
      return codes
    },
    async spend(personId, code) {
      const [spent] = await table()
        .deleteFrom('recovery_codes')
        .where('personId', '=', personId)
        .where('codeHash', '=', hashCode(code))
        .execute()
      return spent?.numDeletedRows === 1n
    },
    async left(personId) {
      const rows = await table()
        .selectFrom('recovery_codes')
        .select('id')
        .where('personId', '=', personId)
        .execute()
      return rows.length
    },
    async remove(personId) {
      await table().deleteFrom('recovery_codes').where('personId', '=', personId).execute()
    },
  }
}

function mintRecoveryCode(): string {
  const letters = toBase32(randomBytes(CODE_BYTES)).toLowerCase()
  return letters.match(/.{4}/g)!.join('-')
}

/** Case, spaces and hyphens do not count: codes are copied from paper. */
function hashCode(code: string): string {
  return hashSecret(
    code
      .slice(0, 100)
      .toLowerCase()
      .replaceAll(/[^a-z2-7]/g, ''),
  )
}
