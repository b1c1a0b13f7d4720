import type { StaffConfig } from 'surety'

/** Our own people: who may ask to look at data, who signs for it, and who holds rights beyond that. */
export const staff: StaffConfig = {
  roles: {
    support: {
      reads: ['heartbeats', 'people'],
      kinds: ['support', 'impersonation'],
      counts: ['languages'],
    },
    engineer: { reads: ['heartbeats'], kinds: ['support', 'break-glass'] },
    lead: {
      approves: ['support', 'engineer'],
      reviews: true,
      appoints: ['support', 'engineer', 'lead'],
    },
  },
  queries: {
    languages: {
      resource: 'heartbeats',
      groupBy: ['language'],
      purpose: 'know which languages to support',
    },
  },
  privileged: {
    reviewed: '2026-11-01',
    holdings: [
      { right: 'database', holder: 'head of platform', until: '2027-10-31' },
      { right: 'host', holder: 'head of platform', until: '2027-10-31' },
      { right: 'deploy', holder: 'engineering lead', until: '2027-10-31' },
      { right: 'keys', holder: 'head of security', until: '2027-10-31' },
    ],
  },
}
