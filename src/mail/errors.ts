import { defineErrors } from '../kernel/index.ts'

/** What stands between the library and a mail server. Names no reader of letters. */
export const MailError = defineErrors('MailError', {
  ERR_MAIL_CONFIG: 'correct what is named: smtpMail({ … }), or spread accountResources into resources',
  ERR_MAIL_KIND: 'start the version that stored the letter, or wait until the letter is given up',
})
