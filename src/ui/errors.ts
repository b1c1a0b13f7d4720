import { defineErrors } from '../kernel/index.ts'

export const UiError = defineErrors('UiError', {
  ERR_UI_UNSAFE_LINK: 'link to https:, http:, mailto: or tel:, or to a path or fragment of this site',
  ERR_UI_ASYNC_MARKUP: 'await the data first: a component gets values, never promises',
})
