/** What a stranger can see of a promise without the operator's help. */
export { gradeHeaders, HEADER_RULES, type HeaderFinding, type HeaderSample } from './headers.ts'
export { observeFromOutside, type OutsideFinding, type OutsideOptions } from './observe.ts'
export { readSecurityTxt } from './security-txt.ts'
