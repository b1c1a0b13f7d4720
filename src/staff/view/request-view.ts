import { button, card, html, notice, pageHeading, type Child, type Markup } from '../../ui/index.ts'
import { changeForm, CONSOLE_PATHS, signBox, staffFrame, type StaffFrame } from './frame.ts'

export interface RequestViewOptions extends StaffFrame {
  /** What the visitor's role may ask for. */
  readonly resources: readonly string[]
  readonly kinds: readonly string[]
  readonly values?: Readonly<Record<string, string>>
  readonly problem?: string
}

/** `/console/grants/new`: a request in as many words as the approver needs. */
export function requestView(options: RequestViewOptions): Markup {
  const { kinds, problem } = options
  return staffFrame(options, {
    title: 'Ask for access',
    current: CONSOLE_PATHS.request,
    console: true,
    signs: true,
    content: [
      pageHeading({
        title: 'Ask for access',
        lead: 'A second person reads and signs this. The person concerned is shown your role, the purpose, and each access.',
      }),
      problem ? notice('bad', problem) : null,
      card({
        body: changeForm(options, CONSOLE_PATHS.request, requestFields(options), 'request'),
      }),
      kinds.includes('break-glass')
        ? card({
            title: 'In an emergency',
            body: [
              html`<p>Opens at once, with your own passkey. Others are alarmed now, and somebody reviews it.</p>`,
              signBox(options, {
                ...{
                  challenge: '/console/break-glass/challenge',
                  send: '/console/break-glass',
                  fields: '#request',
                },
                ...{ label: 'Break the glass', look: 'danger' },
              }),
            ],
          })
        : null,
    ],
  })
}

function requestFields({ resources, kinds, values = {} }: RequestViewOptions): readonly Child[] {
  const asked = kinds.filter((kind) => kind !== 'break-glass')
  return [
    textField('purpose', 'Purpose', 'Why you need to look; the person concerned reads it.', values, 500),
    textField('ticket', 'Ticket', 'Where the need is written down.', values, 100),
    textField('subject', 'Person', 'Their id; leave it out for a whole tenant.', values, 36, false),
    textField(
      'tenant',
      'Tenant',
      'Their team’s id; leave it out where people are their own.',
      values,
      36,
      false,
    ),
    html`<fieldset class="field"><legend>Data</legend>${resources.map(
      (name) =>
        html`<label class="choice"><input type="checkbox" name="resource-${name}" value="on"${values[`resource-${name}`] ? html` checked` : null}> ${name}</label>`,
    )}</fieldset>`,
    select('kind', 'Kind', asked),
    select('hours', 'For how many hours', ['1', '2', '4', '8']),
    button('Ask', { look: 'primary' }),
  ]
}

export function textField(
  name: string,
  label: string,
  hint: string,
  values: Readonly<Record<string, string>>,
  maxlength: number,
  required = true,
): Markup {
  return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" value="${values[name] ?? ''}" maxlength="${maxlength}" autocomplete="off"${required ? html` required` : null} aria-describedby="${name}-hint" dir="auto">
<p class="hint" id="${name}-hint">${hint}</p></div>`
}

function select(name: string, label: string, choices: readonly string[]): Markup {
  return html`<div class="field"><label for="${name}">${label}</label><select id="${name}" name="${name}">${choices.map(
    (choice) => html`<option value="${choice}">${choice}</option>`,
  )}</select></div>`
}
