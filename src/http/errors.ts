import { defineErrors } from '../kernel/index.ts'

export const HttpError = defineErrors('HttpError', {
  ERR_HTTP_MODULE_GRAPH:
    'let browser modules import only kernel/, verify/, their island and the listed packages',
  ERR_HTTP_FOREIGN_FORM: 'load the page of the form again in the same session, and send it from there',
  ERR_HTTP_FORM: 'send the form as its page makes it',
  ERR_HTTP_LISTEN: 'free the port or choose another one',
  ERR_HTTP_SIGNED_OUT: 'sign in, as a staff member where it is a page of the console',
  ERR_HTTP_EVIDENCE_MOVING: 'ask again: the log published checkpoints faster than one could be read',
})
