import { defineErrors } from '../kernel/index.ts'

export const PromiseError = defineErrors('PromiseError', {
  ERR_PROMISE_UNKNOWN: 'link to an id of the catalogue, listed by: surety check --catalogue',
  ERR_PROMISE_PARAMETERS: 'correct the parameters behind the ? of the promise link',
  ERR_PROMISE_SITE: 'start the app, or give its address with --url',
  ERR_PROMISE_CANARY:
    'see that the canary functions of surety.config make, use and remove an ordinary account',
  ERR_PROMISE_TENANTS: 'spread tenantResources into the data map: resources: { ...tenantResources, … }',
})
