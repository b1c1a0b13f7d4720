import { describe, expect, test } from 'vitest'
import {
  envelopesOf,
  erasureOf,
  field,
  ownerColumns,
  requireSubjects,
  resource,
  type Resource,
} from './index.ts'

const id = () => field.id('a person', { optional: true })
const REVIEWS = {
  name: 'reviews',
  subjects: { authorId: 'delete', reviewerId: 'blank', guestId: 'keep-others' },
  tenant: 'teamId',
  purpose: 'to let people review work',
  basis: 'contract',
  retention: 'account',
  unique: [['title']],
  fields: {
    authorId: field.id(),
    reviewerId: id(),
    guestId: id(),
    teamId: field.id(),
    taskId: field.id(),
    title: field.text('title', { max: 80, about: 'authorId', index: 'blind' }),
    verdict: field.text('verdict', { max: 80, about: 'reviewerId', index: 'blind', optional: true }),
    mark: field.integer('mark', { about: 'reviewerId', clear: 'averaged in SQL', optional: true }),
    remark: field.text('remark', { max: 80, about: 'guestId', optional: true }),
    round: field.integer('round', { clear: 'sorted in SQL' }),
  },
} as const
const reviews: Resource = resource(REVIEWS)

const define = (changes: object, fields: object = {}) => {
  const definition = { ...REVIEWS, ...changes, fields: { ...REVIEWS.fields, ...fields } }
  return () => resource(definition as unknown as typeof REVIEWS)
}

describe('a resource about several people', () => {
  test('has an envelope per subject, over what is about all and what is about them', () => {
    expect(envelopesOf(reviews).map(({ column, sealed, clear }) => [column, sealed, clear.slice(2)])).toEqual(
      [
        ['_envelope_authorId', ['title'], ['authorId', 'teamId', 'taskId', 'round']],
        ['_envelope_reviewerId', ['verdict'], ['reviewerId', 'teamId', 'taskId', 'mark', 'round']],
        ['_envelope_guestId', ['remark'], ['guestId', 'teamId', 'taskId', 'round']],
      ],
    )
    expect(ownerColumns(reviews)).toEqual(['teamId', 'authorId', 'reviewerId', 'guestId'])
    expect(reviews).toMatchObject({ subject: null, seal: 'subject' })
  })

  test.each<[string, object, object, string]>([
    ['one person', { subjects: { authorId: 'delete' } }, {}, 'subjects'],
    ['a subject beside them', { subject: 'taskId' }, {}, 'subjects'],
    ['no tenant', { tenant: undefined }, {}, 'subjects'],
    ['a seal beside them', { seal: 'tenant' }, {}, 'seal'],
    ['the tenant as a person', { subjects: { authorId: 'delete', teamId: 'delete' } }, {}, 'subjects.teamId'],
    ['a person that no field names', { subjects: { authorId: 'delete', x: 'blank' } }, {}, 'subjects.x'],
    ['a person by a text', { subjects: { authorId: 'delete', round: 'blank' } }, {}, 'subjects.round'],
    [
      'an unknown consequence',
      { subjects: { authorId: 'delete', reviewerId: 'hide' } },
      {},
      'subjects.reviewerId',
    ],
    ['a required person who is blanked', {}, { reviewerId: field.id() }, 'subjects.reviewerId'],
    [
      'a sealed field about nobody',
      {},
      { remark: field.text('remark', { max: 9, optional: true }) },
      'fields.remark',
    ],
    [
      'a field about a stranger',
      {},
      { title: field.text('a title', { max: 9, about: 'taskId' }) },
      'fields.title',
    ],
    [
      'a required field that is blanked',
      {},
      { verdict: field.text('verdict', { max: 9, about: 'reviewerId' }) },
      'fields.verdict',
    ],
  ])('refuses %s', (_what, changes, fields, key) => {
    expect(define(changes, fields)).toThrow(
      expect.objectContaining({
        code: 'ERR_DECLARE_RESOURCE',
        message: expect.stringContaining(`: ${key} `),
      }),
    )
  })

  test('is the only kind whose fields say whom they are about', () => {
    const fields = { personId: field.id(), note: field.text('a note', { max: 9, about: 'personId' }) }
    expect(define({ subjects: undefined, subject: 'personId', unique: [], fields }, fields)).toThrow(
      expect.objectContaining({ code: 'ERR_DECLARE_RESOURCE' }),
    )
  })

  test('names somebody in every row, and nothing about somebody who is absent', () => {
    const absent = { authorId: 'a', reviewerId: null, guestId: null, round: 1 }
    expect(() => requireSubjects(reviews, absent)).not.toThrow()
    expect(() => requireSubjects(reviews, { ...absent, mark: 1 })).toThrow(/reviewerId is missing, and mark/)
    expect(() => requireSubjects(reviews, { round: 1 })).toThrow(/names none of its subjects/)
  })
})

describe('what an erasure does to a row', () => {
  const row = { authorId: 'a', reviewerId: 'r', guestId: 'g' }

  test('nothing, where the row is not about them', () => {
    expect(erasureOf(reviews, row, 'x')).toEqual({ what: 'nothing' })
    expect(erasureOf(reviews, { ...row, reviewerId: null }, 'r')).toEqual({ what: 'nothing' })
  })

  test('deletes it, where the resource says so, whoever else they are in it', () => {
    expect(erasureOf(reviews, row, 'a')).toEqual({ what: 'delete' })
    expect(erasureOf(reviews, { ...row, reviewerId: 'a' }, 'a')).toEqual({ what: 'delete' })
  })

  test('blanks their id, fields, envelope and indexes, and nobody else’s', () => {
    expect(erasureOf(reviews, row, 'r')).toEqual({
      what: 'blank',
      fields: ['reviewerId', 'verdict', 'mark'],
      columns: ['reviewerId', 'mark', '_envelope_reviewerId', '_blind_verdict'],
    })
    expect(erasureOf(reviews, { ...row, guestId: 'r' }, 'r')).toMatchObject({
      what: 'blank',
      fields: ['reviewerId', 'guestId', 'verdict', 'mark', 'remark'],
    })
  })

  test('keeps it for others, and deletes it with the last of them', () => {
    expect(erasureOf(reviews, row, 'g')).toMatchObject({ what: 'blank', fields: ['guestId', 'remark'] })
    const last = { authorId: null, reviewerId: null, guestId: 'g' }
    expect(erasureOf(reviews, last, 'g')).toEqual({ what: 'delete' })
    expect(erasureOf(reviews, { ...last, reviewerId: 'g' }, 'g')).toEqual({ what: 'delete' })
    expect(erasureOf(reviews, { authorId: null, reviewerId: 'r', guestId: null }, 'r')).toMatchObject({
      what: 'blank',
    })
  })

  test('deletes a row about one person alone, and leaves a tenant’s', () => {
    const BASE = { purpose: 'to test', basis: 'contract', retention: 'account' } as const
    const notes = resource({ ...BASE, name: 'notes', subject: 'personId', fields: { personId: field.id() } })
    expect(erasureOf(notes, { personId: 'p' }, 'p')).toEqual({ what: 'delete' })
    const fields = { teamId: field.id(), name: field.text('name', { max: 9 }) }
    const teams = resource({ ...BASE, name: 'teams', tenant: 'teamId', seal: 'tenant', fields })
    expect(erasureOf(teams, { teamId: 'p' }, 'p')).toEqual({ what: 'nothing' })
  })
})

describe('a unique set', () => {
  test('leaves out the tenant, which always leads', () => {
    const made = define({ unique: [['teamId', 'round', 'title'], ['teamId']] })()
    expect(made.unique).toEqual([['round', 'title'], []])
  })

  test.each<[string, unknown]>([
    ['no field', [[]]],
    ['a field twice', [['round', 'round']]],
    [
      'a set twice',
      [
        ['round', 'title'],
        ['title', 'teamId', 'round'],
      ],
    ],
    ['an unknown field', [['x']]],
    ['an optional field', [['mark']]],
    ['a sealed field without an index', [['body']]],
    ['a field whose equality is not its text’s', [['extra']]],
  ])('refuses %s', (_what, unique) => {
    const fields = {
      body: field.text('body', { max: 9, about: 'authorId' }),
      extra: field.json('extra', { max: 9, clear: 'read in SQL' }),
    }
    expect(define({ unique }, fields)).toThrow(expect.objectContaining({ code: 'ERR_DECLARE_RESOURCE' }))
  })
})
