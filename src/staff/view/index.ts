/** The pages of staff access, as functions of what they show. */
export { accessView } from './access-view.ts'
export { consoleView, type ListedPromise, type ListedStranger } from './console-view.ts'
export {
  ACCESS_LINKS,
  ACCESS_PATH,
  CONSOLE_LINKS,
  CONSOLE_PATHS,
  FORM_TOKEN,
  type StaffFrame,
} from './frame.ts'
export { grantView } from './grant-view.ts'
export {
  BANNER_START,
  BANNER_STYLESHEET,
  END_IMPERSONATION_PATH,
  impersonationBanner,
} from './impersonation-banner.ts'
export { enrolView, membersView } from './members-view.ts'
export { requestView } from './request-view.ts'
