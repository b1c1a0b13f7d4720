import { PROVIDER_PROBLEMS, type PublicProblems } from '../http/index.ts'

/** What visitors may know of failures behind the public pages. */
export const PUBLIC_PROBLEMS: PublicProblems = {
  ERR_LOG_TAMPERED: {
    status: 503,
    title: 'The evidence log does not hold together',
    detail:
      'What it shows now contradicts what it showed before. Until that is explained, rely on nothing it says.',
  },
  ...PROVIDER_PROBLEMS,
}
