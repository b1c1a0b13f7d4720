import { spawnSync } from 'node:child_process'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, test } from 'vitest'
import type { MailPort } from '../declare/index.ts'
import { smtpMail, type SmtpOptions } from './smtp.ts'

interface Taken {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

const servers: SMTPServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(() => resolve()))
})

/** A real mail server on this machine, and what it has taken. */
async function start(options: SMTPServerOptions = {}): Promise<{ port: number; taken: Taken[] }> {
  const taken: Taken[] = []
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onAuth: (auth, _session, done) =>
      auth.username === 'codetime' && auth.password === 'right'
        ? done(null, { user: auth.username })
        : done(new TypeError('refused')),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const to = envelope.rcptTo.map(({ address }) => address)
        taken.push({ from, to, text: Buffer.concat(chunks).toString() })
        done()
      })
    },
    ...options,
  })
  servers.push(server)
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return { port: (server.server.address() as { port: number }).port, taken }
}

/** Key and certificate of this machine, PEM; empty where there is no openssl to make them. */
const certificate: string =
  spawnSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -keyout - -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1`.split(
      ' ',
    ),
    { encoding: 'utf8' },
  ).stdout ?? ''

const FROM = 'Codetime <no-reply@codetime.example.com>'
const LETTER = {
  to: 'ada@mail.example.com',
  subject: 'Grüße',
  text: 'One line.\n.\nhttps://codetime.example/\n',
}
const mailer = (options: Partial<SmtpOptions>): MailPort =>
  smtpMail({ host: '127.0.0.1', from: FROM, tls: 'none', ...options })

describe('a mail server', { timeout: 120_000 }, () => {
  test('is handed a letter whole: plain text, for one reader, answered by no machine', async () => {
    const { port, taken } = await start({ disabledCommands: ['STARTTLS'] })
    await mailer({ port }).send(LETTER)
    const [letter] = taken
    expect(letter).toMatchObject({ from: 'no-reply@codetime.example.com', to: [LETTER.to] })
    expect(letter!.text).toMatch(/^From: Codetime <no-reply@codetime\.example\.com>/m)
    expect(letter!.text).toMatch(/^Auto-Submitted: auto-generated/m)
    expect(letter!.text).toMatch(/^Content-Type: text\/plain/m)
    expect(letter!.text).toMatch(/^Subject: =\?UTF-8\?/m)
    expect(letter!.text).toContain('https://codetime.example/')
    expect(letter!.text).not.toMatch(/multipart|html/)
  })

  test('is told who asks, where it wants to know', async () => {
    const { port, taken } = await start({
      authOptional: false,
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
    })
    const user = { name: 'codetime', password: 'right' }
    await mailer({ port, user }).send(LETTER)
    const wrong = mailer({ port, user: { ...user, password: 'wrong' } }).send(LETTER)
    await expect(wrong).rejects.toMatchObject({ code: 'EAUTH' })
    await expect(mailer({ port }).send(LETTER)).rejects.toThrow()
    expect(taken).toHaveLength(1)
  })

  test('gets no letter where it does not encrypt', async () => {
    const { port, taken } = await start({ disabledCommands: ['STARTTLS'] })
    await expect(mailer({ port, tls: 'starttls' }).send(LETTER)).rejects.toThrow()
    expect(taken).toEqual([])
  })

  test('gets no letter where nobody vouches for its certificate', async () => {
    const { port, taken } = await start()
    await expect(mailer({ port, tls: 'starttls' }).send(LETTER)).rejects.toThrow()
    const implicit = await start({ secure: true })
    await expect(mailer({ port: implicit.port, tls: 'implicit' }).send(LETTER)).rejects.toThrow()
    expect([taken, implicit.taken]).toEqual([[], []])
  })

  test.skipIf(!certificate).each([
    ['starttls', false],
    ['implicit', true],
  ] as const)(
    'is handed a letter over TLS (%s) where its certificate is vouched for',
    async (tls, secure) => {
      const { port, taken } = await start({ secure, key: certificate, cert: certificate })
      await mailer({ port, tls, ca: certificate }).send(LETTER)
      expect(taken).toHaveLength(1)
    },
  )

  test('is asked for nothing where no mailbox can be', async () => {
    const { port, taken } = await start({ disabledCommands: ['STARTTLS'] })
    for (const to of ['canary@canary.example', 'a@b.test', 'a@invalid', 'a@localhost'])
      await mailer({ port }).send({ ...LETTER, to })
    expect(taken).toEqual([])
  })

  test('that refuses a reader says so to the caller', async () => {
    const { port } = await start({
      disabledCommands: ['STARTTLS'],
      onRcptTo: (_address, _session, done) => done(new TypeError('no such mailbox')),
    })
    await expect(mailer({ port }).send(LETTER)).rejects.toMatchObject({ code: 'EENVELOPE' })
  })
})

describe('what is configured', { timeout: 120_000 }, () => {
  test.each([
    [{ tls: 'none', host: 'mail.example.com' }, 'in the clear'],
    [{ tls: 'none', host: 'localhost.example.com' }, 'in the clear'],
    [{ host: 'mail.example.com/' }, 'host'],
    [{ port: 0 }, 'port'],
    [{ port: 65_536 }, 'port'],
    [{ from: 'nobody' }, 'from'],
    [{ from: 'Codetime <no-reply@example.com' }, 'from'],
    [{ from: 'a\r\nBcc: eve@example.com <a@example.com>' }, 'from'],
  ] as const)('is refused: %o', (wrong, word) => {
    expect(() => mailer(wrong)).toThrow(expect.objectContaining({ code: 'ERR_MAIL_CONFIG' }))
    expect(() => mailer(wrong)).toThrow(word)
  })
})
