/**
 * The process in which a PKCS#11 module runs. A module is foreign native code whose calls block: here
 * it can hang or crash without taking the app along, and its parent ends it when it does.
 */
import { CryptokiRefusal, loadCryptoki, type Cryptoki } from './cryptoki.ts'
import { openHsm, type Hsm } from './hsm.ts'
import { HsmFailure, type HsmMessage, type HsmReply, type HsmRequest } from './protocol.ts'

let hsm: Hsm | null = null

async function answer(request: HsmRequest): Promise<unknown> {
  if (request.call === 'open') {
    hsm = openHsm(await load(request.module), request.token, request.pin)
    return null
  }
  if (!hsm) throw new HsmFailure('lost', 'no session is open')
  switch (request.call) {
    case 'create':
      return hsm.create(request.uuid, request.label)
    case 'wrap':
      return hsm.wrap(request.key, request.bytes, request.context)
    case 'unwrap':
      return hsm.unwrap(request.key, request.bytes, request.context)
    case 'destroy':
      return hsm.destroy(request.key)
    case 'list':
      return hsm.list()
  }
}

async function load(module: string): Promise<Cryptoki> {
  return loadCryptoki(module).catch((error: unknown) => {
    if (error instanceof CryptokiRefusal) throw error
    const absent = (error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND'
    throw absent
      ? new HsmFailure('koffi', 'the package koffi is not installed')
      : new HsmFailure('config', `the PKCS#11 module ${module} cannot be loaded`)
  })
}

function describe(error: unknown): { kind: HsmFailure['kind']; message: string } {
  if (error instanceof HsmFailure) return { kind: error.kind, message: error.message }
  // Any other refusal ends this process: a new session is the mend for a lost one, a pulled device, a full table.
  return { kind: 'lost', message: error instanceof CryptokiRefusal ? error.message : 'the module failed' }
}

process.on('message', ({ number, request }: HsmMessage) => {
  const reply = (message: HsmReply): void => void process.send?.(message)
  answer(request).then(
    (value) => reply({ number, value }),
    (error: unknown) => reply({ number, failure: describe(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
