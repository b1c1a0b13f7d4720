import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { observeFromOutside } from './outside/index.ts'
import type { VerificationReport } from './report.ts'
import { verifySite } from './site.ts'
import { claim, MemorySite, NOW } from './testing/memory-site.ts'

let site: MemorySite

beforeEach(async () => {
  site = await new MemorySite().declare('a.promise').check('a.promise', 'kept').publish()
})

const codesOf = (report: VerificationReport): string[] => [
  ...report.problems.map(({ code }) => code),
  ...(report.failure ? [report.failure.code] : []),
]

describe('over a real connection', () => {
  async function serve<Result>(
    listener: RequestListener,
    work: (url: string) => Promise<Result>,
  ): Promise<Result> {
    const server = createServer(listener).listen(0, '127.0.0.1')
    await new Promise((ready) => server.once('listening', ready))
    try {
      return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const bytes = site.files.get(request.url!)
    response.writeHead(bytes ? 200 : 404).end(bytes)
  }
  const verify = (url: string): Promise<VerificationReport> => verifySite({ fetch, url, now: NOW })

  test('a redirect is not followed: another host must not answer for this one', async () => {
    let asked = 0
    await serve(
      (request, response) => {
        asked += 1
        answer(request, response)
      },
      (honest) =>
        serve(
          (request, response) => response.writeHead(302, { Location: honest + request.url! }).end(),
          async (url) => expect(codesOf(await verify(url))).toEqual(['ERR_VERIFY_RUN_HTTP']),
        ),
    )
    expect(asked).toBe(0)
  })

  test('a body that unpacks to more than its limit is cut off', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20))
    const report = await serve((request, response) => {
      if (!request.url!.endsWith('/checkpoint')) return answer(request, response)
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb)
    }, verify)
    expect(codesOf(report)).toEqual(['ERR_VERIFY_RUN_LIMIT'])
  })

  test('pages that answer their checks by a redirect with perfect headers are not seen as keeping them', async () => {
    const promise = { ...claim('guard.headers'), checkedBy: 'outside' as const }
    const { standings } = await (await site.log({ kind: 'promise.declared', promise }).publish()).verify()
    const findings = await serve(
      (_, response) => response.writeHead(302, { Location: '/elsewhere' }).end(),
      (url) => observeFromOutside({ fetch, url, now: NOW, standings }),
    )
    expect(findings).toMatchObject([{ problem: expect.stringMatching(/^\/(security)? ?/) }])
    expect(findings[0]!.problem).not.toBeNull()
  })

  test('a security.txt without end is cut off, not read', async () => {
    const promise = { ...claim('disclosure.contact'), checkedBy: 'outside' as const }
    const { standings } = await (await site.log({ kind: 'promise.declared', promise }).publish()).verify()
    let stopped = false
    const findings = await serve(
      (_, response) => {
        const timer = setInterval(() => response.write('#'.repeat(16_384)), 1)
        response.on('close', () => {
          clearInterval(timer)
          stopped = true
        })
      },
      (url) => observeFromOutside({ fetch, url, now: NOW, standings }),
    )
    expect(findings).toMatchObject([{ problem: 'the site did not answer' }])
    await vi.waitFor(() => expect(stopped).toBe(true))
  })
})
