import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Environment } from './environment.ts'
import { HsmFailure, type HsmReply, type HsmRequest } from './protocol.ts'

/** A running process of a PKCS#11 module. */
export interface HsmProcess {
  /**
   * @throws HsmFailure `lost` when the process ended or `limitMs` passed, which also ends it
   */
  ask(request: HsmRequest, limitMs: number): Promise<unknown>
  end(): void
  readonly isOver: () => boolean
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (failure: HsmFailure) => void
}

/** Starts the process of a PKCS#11 module with this environment and no more. It ends with its parent. */
export function startHsmProcess(env: Environment): HsmProcess {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const script = fileURLToPath(new URL(`./hsm-process${extension}`, import.meta.url))
  const child = fork(script, [], {
    execArgv: [],
    env,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  // The app may end while the process waits for work.
  child.unref()
  child.channel?.unref()
  const waiting = new Map<number, Waiting>()
  let over = false
  let asked = 0
  const end = (message: string): void => {
    if (over) return
    over = true
    child.kill('SIGKILL')
    for (const { reject } of waiting.values()) reject(new HsmFailure('lost', message))
    waiting.clear()
  }
  child.on('message', (reply: HsmReply) => settle(waiting, reply))
  child.on('error', () => end('the process of the PKCS#11 module cannot be started or reached'))
  child.on('exit', () => end('the process of the PKCS#11 module ended'))
  return {
    isOver: () => over,
    end: () => end('the provider was closed'),
    async ask(request, limitMs) {
      const number = asked++
      const timer = setTimeout(() => end('the PKCS#11 module did not answer in time'), Math.max(limitMs, 1))
      try {
        return await new Promise((resolve, reject) => {
          waiting.set(number, { resolve, reject })
          if (over) return end('the process of the PKCS#11 module ended')
          send(child, { number, request }, () => end('the process of the PKCS#11 module cannot be reached'))
        })
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function send(
  child: ChildProcess,
  message: { number: number; request: HsmRequest },
  failed: () => void,
): void {
  child.send(message, (error) => {
    if (error) failed()
  })
}

function settle(waiting: Map<number, Waiting>, reply: HsmReply): void {
  const one = waiting.get(reply.number)
  waiting.delete(reply.number)
  if (!one) return
  if ('failure' in reply) one.reject(new HsmFailure(reply.failure.kind, reply.failure.message))
  else one.resolve(reply.value)
}
