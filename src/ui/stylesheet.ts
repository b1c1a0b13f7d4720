import { createHash } from 'node:crypto'
import { base } from './styles/base.ts'
import { changes } from './styles/changes.ts'
import { charts } from './styles/charts.ts'
import { choices } from './styles/choices.ts'
import { components } from './styles/components.ts'
import { forms } from './styles/forms.ts'
import { frame } from './styles/frame.ts'
import { promises } from './styles/promises.ts'

const text = [base, frame, components, forms, changes, choices, charts, promises].join('\n').trimStart()
const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The one stylesheet. Its path changes with its text, so it can be cached for ever. */
export const STYLESHEET = { path: `/.surety/assets/ui-${digest}.css`, text } as const
