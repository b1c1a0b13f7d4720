import { defineErrors } from '../kernel/index.ts'

const ASK_OPERATOR = 'keep what you fetched and ask the operator: this cannot happen to an honest, intact log'

/** The evidence itself is invalid: exit code 3. */
export const VerifyError = defineErrors('VerifyError', {
  ERR_VERIFY_VKEY: 'use the verifier key as published: name+8 hex digits+base64',
  ERR_VERIFY_NOTE: ASK_OPERATOR,
  ERR_VERIFY_SIGNATURE: ASK_OPERATOR,
  ERR_VERIFY_CHECKPOINT: ASK_OPERATOR,
  ERR_VERIFY_ORIGIN: 'check that the URL and the verifier key belong to the same system',
  ERR_VERIFY_KEY_CHANGED:
    'ask the operator why the log key changed; pin the new key only if the answer holds',
  ERR_VERIFY_ROLLBACK: ASK_OPERATOR,
  ERR_VERIFY_FORK: ASK_OPERATOR,
  ERR_VERIFY_UNWITNESSED:
    'rely on nothing the log says until the witness has cosigned it; ask the operator and whoever runs the witness',
  ERR_VERIFY_MISSING: 'ask the operator for the missing part: a signed checkpoint covers it',
  ERR_VERIFY_TILE: ASK_OPERATOR,
  ERR_VERIFY_ROOT: ASK_OPERATOR,
  ERR_VERIFY_PROOF: ASK_OPERATOR,
  ERR_VERIFY_ENTRY_SIZE: ASK_OPERATOR,
  ERR_VERIFY_ENTRY_CANONICAL: ASK_OPERATOR,
  ERR_VERIFY_ENTRY_SHAPE: ASK_OPERATOR,
  ERR_VERIFY_ENTRY_DUPLICATE: ASK_OPERATOR,
  ERR_VERIFY_ENTRY_TIME: 'compare the clock of this machine with the operator’s, then ask the operator',
  ERR_VERIFY_IRREGULAR: 'ask the operator what happened there; the entry counts for nothing',
  ERR_VERIFY_PAGE_SHAPE: 'ask the operator to serve /security.json in schema 1',
  ERR_VERIFY_PAGE_CHECKPOINT: ASK_OPERATOR,
  ERR_VERIFY_PAGE_OMITS: 'ask the operator why the page leaves out a promise that the log declares',
  ERR_VERIFY_PAGE_CLAIM: 'ask the operator why the page words a promise differently from the log',
  ERR_VERIFY_PAGE_STATUS: 'trust the log: the page claims more than it',
  ERR_VERIFY_PAGE_PROOF: ASK_OPERATOR,
})

/** The verification could not run to its end: exit code 2. It says nothing about the evidence. */
export const VerifyRunError = defineErrors('VerifyRunError', {
  ERR_VERIFY_RUN_URL: 'give the site as an http or https URL, such as https://example.com',
  ERR_VERIFY_RUN_NETWORK: 'check the address and the connection, then try again',
  ERR_VERIFY_RUN_HTTP: 'try again later; if it lasts, ask the operator',
  ERR_VERIFY_RUN_CRYPTO:
    'open the page over https (or on localhost) in a browser with WebCrypto Ed25519, or run `npx surety verify`',
  ERR_VERIFY_RUN_VKEY: 'pass the verifier key as published: name+8 hex digits+base64',
  ERR_VERIFY_RUN_ORIGIN:
    'give the address that the log names, or pin the key that the operator published elsewhere: --vkey KEY',
  ERR_VERIFY_RUN_STATE: 'use one state file per site and key; move the old file away to begin again',
  ERR_VERIFY_RUN_OUTDATED: 'update surety: the log holds entries that this version does not know',
  ERR_VERIFY_RUN_LIMIT: 'update surety, or raise the limit: the log has outgrown this verifier',
})
