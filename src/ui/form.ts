import { safeHref } from './markup.ts'
import { html } from './markup.ts'
import type { Child, Markup } from './markup.ts'

export interface FormOptions {
  /** Where the form is sent, by POST. */
  readonly action: string
  /** Fields that the person does not see, by name. */
  readonly hidden?: Readonly<Record<string, string>>
  readonly id?: string
  readonly body: Child
}

/** A form that changes something: always a POST. @throws UiError `ERR_UI_UNSAFE_LINK` */
export function postForm({ action, hidden = {}, id, body }: FormOptions): Markup {
  return html`<form class="form" method="post" action="${safeHref(action)}"${id ? html` id="${id}"` : null}>
${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
${body}</form>`
}

export interface TextFieldOptions {
  readonly label: string
  /** Name and id of the field: one of each on a page. */
  readonly name: string
  readonly type?: 'text' | 'email' | 'password'
  readonly value?: string
  /** What the field is for, so that password managers fill it (HTML, "autofill"). */
  readonly autocomplete: string
  readonly required?: boolean
  readonly maxlength?: number
  /** Digits on a phone's keyboard. */
  readonly numeric?: boolean
  /** One line below the field; read out with it. */
  readonly hint?: Child
  /** What is wrong with what was typed; read out with the field. */
  readonly problem?: string
}

/** One labelled line of input. */
export function textField(options: TextFieldOptions): Markup {
  const { name, label, type = 'text', value, hint, problem, required = true } = options
  const described = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean).join(' ')
  return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${options.autocomplete}"${value === undefined ? null : html` value="${value}"`}${
    required ? html` required` : null
  }${options.maxlength ? html` maxlength="${options.maxlength}"` : null}${options.numeric ? html` inputmode="numeric"` : null}${
    described ? html` aria-describedby="${described}"` : null
  }${problem ? html` aria-invalid="true"` : null} dir="auto">
${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : null}
${problem ? html`<p class="problem" id="${name}-problem">${problem}</p>` : null}</div>`
}
