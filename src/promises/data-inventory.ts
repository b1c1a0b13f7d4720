import { z } from 'zod'
import type { SuretyConfig } from '../declare/index.ts'
import { definePromise } from './definition.ts'
import { undeclaredColumns, undeclaredTables } from './live-schema.ts'
import { siteOf } from './site.ts'
import { SYSTEM_TABLES } from './system-tables.ts'

/** The full list of stored data is public, and it is the true one. */
export const dataInventory = definePromise({
  id: 'data.inventory',
  evidence: 'measured',
  checkedBy: 'self',
  version: 1,
  cadence: '6h',
  parameters: z.strictObject({}),
  check: () => [],
  cannotProve: () => [
    'Data that is kept outside the database and the declared stores, such as copies that staff made.',
  ],

  async probe(context) {
    const response = await fetch(new URL('/security/data', siteOf(context)), { signal: context.signal })
    const listed = listedLines(await response.text())
    const expected = expectedLines(context.config)
    const absent = expected.filter((line) => !listed.has(line))
    const surplus = [...listed].filter((line) => !expected.includes(line))
    const live = await context.database.tables()
    const strangers = [...undeclaredTables(context.config, live), ...undeclaredColumns(context.config, live)]
    const values = {
      status: response.status,
      lines: listed.size,
      columns: live.reduce((sum, { columns }) => sum + columns.length, 0),
      absent: absent.length,
      surplus: surplus.length,
      columnsWithoutLine: strangers.length,
    }
    const problem =
      (!response.ok && `/security/data answers ${response.status}`) ||
      (absent[0] && `${absent[0]} is stored, but /security/data has no line for it`) ||
      (surplus[0] && `/security/data lists ${surplus[0]}, which nothing declares`) ||
      (strangers[0] && `${strangers[0]} is in the database, but has no line`)
    if (problem) return { outcome: 'broken', summary: `${problem}.`, values }
    const summary = `/security/data has a line for each of ${listed.size} fields and tables, and every one of ${values.columns} live columns belongs to one of them.`
    return { outcome: 'kept', summary, values }
  },
})

/** The marks that the page leaves on each line it lists: `resource.field`, or `schema.table` of the library's own. */
const LINE = /\bid="line-([A-Za-z0-9_.*]+)"/g

function listedLines(page: string): Set<string> {
  return new Set([...page.matchAll(LINE)].map(([, line]) => line!))
}

function expectedLines({ resources }: SuretyConfig): string[] {
  const fields = Object.values(resources).flatMap(({ name, fields: declared }) =>
    ['id', 'createdAt', ...Object.keys(declared)].map((field) => `${name}.${field}`),
  )
  return [...fields, ...SYSTEM_TABLES.map(({ schema, name }) => `${schema}.${name}`)]
}
