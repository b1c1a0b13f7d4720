import type { Mutation } from './mutation.ts'

const MEMBERS = ['src/tenants/members.test.ts']
const ROLES = ['src/tenants/custom-roles.test.ts']
const KEYS = ['src/tenants/api-keys.test.ts']

/** Who may give what to whom, in a tenant and by its keys. */
export const ACCESS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a field outside a permission’s columns is read',
    invariants: [1],
    file: 'src/store/plan/scope.ts',
    guard: "if (resource) this.authority.need(resource, 'read', [resolved.column])",
    replacement: '',
    tests: ['src/store/columns.test.ts'],
  },
  {
    name: 'a plan is kept for other permissions of the same roles',
    invariants: [1],
    file: 'src/store/plan/plan-cache.ts',
    guard: '...(given === null ? roles : [given])',
    replacement: '...roles',
    tests: ['src/store/columns.test.ts'],
  },
  {
    name: 'somebody gives what they do not hold',
    invariants: [1],
    file: 'src/tenants/rules.ts',
    guard: '  if (beyond) {',
    replacement: '  if (beyond && held.key === asked.key) {',
    tests: [...ROLES, ...MEMBERS],
  },
  {
    name: 'the last administrator goes',
    invariants: [1],
    file: 'src/tenants/members.ts',
    guard: 'if (others.some(({ roles }) => roles.includes(ADMINISTRATOR))) return',
    replacement: 'if (others.length >= 0) return',
    tests: MEMBERS,
  },
  {
    name: 'two changes of one tenant run beside each other',
    invariants: [1],
    file: 'src/tenants/change.ts',
    guard: "where('tenantId', '=', tenant).forUpdate()",
    replacement: "where('tenantId', '=', tenant)",
    tests: MEMBERS,
  },
  {
    name: 'a key manages its person’s tenant',
    invariants: [1],
    file: 'src/tenants/change.ts',
    guard: ' && !actor.roles.some((role) => KEY.test(role))',
    replacement: '',
    tests: KEYS,
  },
  {
    name: 'a key may what its person no longer may',
    invariants: [1],
    file: 'src/tenants/api-keys.ts',
    guard: 'permissions.intersection(PermissionSet.parse(key.scopes))',
    replacement: 'permissions.union(PermissionSet.parse(key.scopes))',
    tests: KEYS,
  },
  {
    name: 'an allow-list is not looked at',
    invariants: [1],
    file: 'src/tenants/open-tenants.ts',
    guard: 'await requireAddress(office, member.tenantId, address)',
    replacement: '',
    tests: ['src/tenants/allow-list.test.ts'],
  },
  {
    name: 'somebody reviews themselves',
    invariants: [1],
    file: 'src/tenants/reviews.ts',
    guard: 'item.personId === actor.id || ',
    replacement: '',
    tests: ['src/tenants/reviews.test.ts'],
  },
  {
    name: 'a form of another site changes a tenant',
    invariants: [1],
    file: 'src/http/own-form.ts',
    guard: 'if (!isOwn) throw',
    replacement: 'if (false) throw',
    tests: ['src/http/tenant/tenant-routes.test.ts', 'src/http/account/account-routes.test.ts'],
  },
  {
    name: 'a form of another session changes a tenant',
    invariants: [1],
    file: 'src/http/own-form.ts',
    guard: '&& timingSafeEqual(ours, theirs)',
    replacement: '',
    tests: ['src/http/tenant/tenant-routes.test.ts', 'src/http/account/account-routes.test.ts'],
  },
]
