import { defineErrors } from '../kernel/index.ts'

export const PageError = defineErrors('PageError', {
  ERR_PAGE_SOURCE:
    'save the security page as UTF-8 Markdown of at most 256 KiB, nested at most 24 levels deep',
  ERR_PAGE_PROMISE_SYNTAX:
    'write [the sentence](promise:group.name?param=value), without white space or markup in the target',
  ERR_PAGE_PROMISE_UNKNOWN: 'use an id of the promise catalogue, or leave the sentence without a link',
  ERR_PAGE_PROMISE_PARAMETER: 'give the parameters that the catalogue lists for this promise',
  ERR_PAGE_PROMISE_DUPLICATE: 'keep one sentence per promise, or tell them apart by a parameter',
  ERR_PAGE_PROMISE_NESTED: 'move the inner link out of the sentence',
  ERR_PAGE_PROMISE_EMPTY: 'write the sentence between the square brackets',
  ERR_PAGE_PROMISE_IN_HTML: 'write the promise as a Markdown link; HTML on this page is shown as text',
  ERR_PAGE_LINK: 'link to https:, http: or mailto:, or to a path or heading of this site',
  ERR_PAGE_IMAGE: 'say it in words: the page loads nothing and proves nothing with pictures',
  ERR_PAGE_DISCLOSURE:
    'give disclosure.contact as https:, mailto: or tel: URIs and the others as https: URLs',
})
