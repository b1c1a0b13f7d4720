import { expect, test } from 'vitest'
import { field } from './define-field.ts'
import { resource } from './define-resource.ts'
import { defineSurety } from './define-surety.ts'
import type { MailPort } from './mail.ts'

const rates = resource({
  name: 'rates',
  purpose: 'to convert',
  basis: 'contract',
  retention: 'account',
  fields: { value: field.number('rate') },
})
const withMail = (mail: unknown) =>
  defineSurety({
    name: 'Codetime',
    origin: 'codetime.example',
    page: 'security.md',
    resources: { rates },
    roles: {},
    mail: mail as MailPort,
  })

test('what takes letters over is one function', () => {
  expect(withMail({ send: async () => {} }).mail).toBeDefined()
  for (const mail of [{}, { send: 'smtp://mail.example' }, { send: async () => {}, host: 'mail.example' }])
    expect(() => withMail(mail)).toThrow(expect.objectContaining({ code: 'ERR_DECLARE_CONFIG' }))
})
