import { expect, test } from 'vitest'
import { REFUSAL_CODES, isRefusal, refuse } from './refusal.ts'
import { bulkReply, replyToItem } from './replies.ts'
import { editorOf, systemOf } from './user-agent.ts'

const STORED = {
  id: '0199a000-0000-7000-8000-000000000000',
  heartbeat: { entity: '/src/main.ts', type: 'file', time: new Date(1_795_300_882_139) },
} as const

test('answers every heartbeat in order, in the shape real clients read', () => {
  const reply = bulkReply([STORED, { refusal: refuse('ERR_HEARTBEAT_TOO_OLD', 'time') }, STORED])
  expect(reply.responses.map(([, status]) => status)).toEqual([201, 400, 201])
  expect(reply.responses[0]).toEqual([
    { data: { id: STORED.id, entity: '/src/main.ts', type: 'file', time: 1_795_300_882.139 } },
    201,
  ])
  expect(reply.responses[1]).toEqual([
    { error: 'time: the time is more than 366 days ago', code: 'ERR_HEARTBEAT_TOO_OLD' },
    400,
  ])
})

test('never answers one heartbeat with a status that makes clients send again at once', () => {
  for (const code of REFUSAL_CODES) expect(replyToItem({ refusal: refuse(code) })[1]).toBe(400)
})

test('knows its own refusals from anything else', () => {
  expect(isRefusal(refuse('ERR_HEARTBEAT_TYPE'))).toBe(true)
  expect(isRefusal({ code: 'toString', status: 400 })).toBe(false)
})

test.each([
  [
    'wakatime/v1.90.0 (linux-6.8.0-45-generic-x86_64) go1.22.12 vscode/1.90.0 vscode-wakatime/24.5.0',
    'VS Code',
    'Linux',
  ],
  ['wakatime/v1.90.0 (darwin-23.1.0-arm64) go1.22.12 Unknown/0', null, 'macOS'],
  ['wakatime/v1.90.0 (windows-10.0-x86_64) go1.22 HelloEdit/1.0 hello-wakatime/1', 'HelloEdit', 'Windows'],
  ['wakatime/v1 (x) go constructor/1', 'constructor', 'x'],
  ['curl/8', null, null],
  [null, null, null],
])('reads %j', (userAgent, editor, system) => {
  expect(editorOf(userAgent)).toBe(editor)
  expect(systemOf(userAgent)).toBe(system)
})
