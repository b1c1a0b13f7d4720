/** The package ships without types: what the tests use of it, as the WakaTime API documents the replies. */
declare module 'wakatime-client' {
  interface Named {
    readonly name: string
    readonly digital: string
  }
  interface DaySummary {
    readonly range: { readonly date: string }
    readonly projects: readonly Named[]
  }
  interface Summaries {
    readonly data: readonly DaySummary[]
    readonly cumulative_total: { readonly seconds: number }
  }
  interface Stats {
    readonly status: string
    readonly range: string
    readonly username: string
    readonly languages: readonly Named[]
    readonly machines: readonly Named[]
  }
  interface Days {
    readonly dateRange: { readonly startDate: string; readonly endDate: string }
    readonly projectName?: string
  }

  export const RANGE: { readonly LAST_7_DAYS: string; readonly LAST_30_DAYS: string }

  export class WakaTimeClient {
    constructor(apiKey: string, baseUrl?: string)
    getMe(): Promise<{ readonly data: { readonly id: string } }>
    getUser(id: string): Promise<{ readonly data: object }>
    getMySummary(days: Days): Promise<Summaries>
    getMyStats(options: { readonly range: string }): Promise<{ readonly data: Stats }>
    getMyDurations(options: { readonly date: string }): Promise<{ readonly data: readonly object[] }>
    getMyHeartbeats(date: string): Promise<{ readonly data: readonly { readonly id: string }[] }>
    getMyProjects(): Promise<{ readonly data: readonly { readonly name: string }[] }>
    getMyTeams(): Promise<{ readonly data: readonly { readonly id: string; readonly name: string }[] }>
    getMyTeamMembers(teamId: string): Promise<{ readonly data: readonly { readonly full_name: string }[] }>
  }
}
