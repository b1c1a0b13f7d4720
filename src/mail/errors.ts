import { defineErrors } from '../kernel/index.ts'

/** What stands between the library and a mail server. Names no reader of letters. */
export const MailError = defineErrors('MailError', {
  ERR_MAIL_CONFIG: 'correct what is named in smtpMail({ … })',
})
