/**
 * Tenants: who belongs to an organisation, and what they may do there.
 *
 * Promise: nobody grants more than they hold at that moment, by assigning, making or editing a role, or
 * by a key; a tenant keeps an administrator; what is taken away is gone with the next request; every
 * change is audited with before and after.
 *
 * How: memberships, roles, keys, allow-lists and reviews are rows of governed resources
 * (`tenantResources`), their facts in sealed columns: a row edited in SQL does not open. Only this room
 * writes them. Each change locks its tenant's row first (`office.ts`), so that what is checked still
 * holds when it commits, whichever process asks. A principal carries its permissions as an object that
 * nobody can make or copy (`principalWith` in `access/`).
 *
 * What it does not do: stop somebody who writes to the database from removing a row, or from putting an
 * older sealed state of the same row back; take back what a request that runs already was given; send
 * reminders: `reviews.takeReminders()` says whom to remind.
 */
export type { AllowList } from './allow-list.ts'
export type { ApiKey, ApiKeys, KeyDraft, NewKey } from './api-keys.ts'
export type { CustomRole, CustomRoles, RoleDraft } from './custom-roles.ts'
export { TenantsError } from './errors.ts'
export { INVITATION_PATH, type Invitation, type InvitationPorts, type Invitations } from './invitations.ts'
export { findKeys, keyRule, type FoundKey, type KeyRule } from './key-scan.ts'
export { keyPrefix, parseKey, type KeyText } from './key-text.ts'
export type { Members } from './members.ts'
export type { Member } from './memberships.ts'
export type { TenantsOptions, TenantTables } from './office.ts'
export { openTenants, type TenantRequest, type Tenants } from './open-tenants.ts'
export type { Provisioning } from './provisioning.ts'
export { tenantResources } from './resources.ts'
export type { ReviewItem } from './review-items.ts'
export type { ReviewReminder } from './review-reminders.ts'
export type { DueReview, Review, Reviews, ReviewSummary, ShownReview } from './reviews.ts'
export { ADMINISTRATOR, givenRoles, MEMBER } from './rules.ts'
export { invitationsCard, invitationView } from './views/invitations-view.ts'
export { keysView, shownKeyHolders } from './views/keys-view.ts'
export { membersView, shownMembers } from './views/members-view.ts'
export { networksView } from './views/networks-view.ts'
export { FORM_FIELD, refusedView, TENANT_LINKS, TENANT_PATHS, type TenantFrame } from './views/parts.ts'
export { reviewsView, shownInReview } from './views/reviews-view.ts'
export { rolesView } from './views/roles-view.ts'
