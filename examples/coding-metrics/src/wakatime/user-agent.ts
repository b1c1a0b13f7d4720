const EDITORS: Readonly<Record<string, string>> = {
  vscode: 'VS Code',
  vim: 'Vim',
  neovim: 'Neovim',
  emacs: 'Emacs',
  sublime: 'Sublime Text',
  intellij: 'IntelliJ IDEA',
  idea: 'IntelliJ IDEA',
  pycharm: 'PyCharm',
  webstorm: 'WebStorm',
  goland: 'GoLand',
  androidstudio: 'Android Studio',
  xcode: 'Xcode',
  visualstudio: 'Visual Studio',
  eclipse: 'Eclipse',
  zed: 'Zed',
  cursor: 'Cursor',
  chrome: 'Chrome',
  firefox: 'Firefox',
}

const SYSTEMS: Readonly<Record<string, string>> = {
  linux: 'Linux',
  darwin: 'macOS',
  windows: 'Windows',
  freebsd: 'FreeBSD',
  android: 'Android',
}

/** The editor a user agent names, such as `VS Code`; null where it names none. */
export function editorOf(userAgent: string | null): string | null {
  // wakatime/v1.90.0 (linux-6.8.0-x86_64) go1.22.12 vscode/1.90.0 vscode-wakatime/24.5.0
  const name = /^wakatime\/\S+ \([^)]*\) \S+ ([A-Za-z][A-Za-z0-9 _-]*)\//.exec(userAgent ?? '')?.[1]
  if (name === undefined || name.toLowerCase() === 'unknown') return null
  const key = name.toLowerCase()
  return Object.hasOwn(EDITORS, key) ? EDITORS[key]! : name
}

/** The operating system a user agent names, such as `Linux`; null where it names none. */
export function systemOf(userAgent: string | null): string | null {
  const name = /^wakatime\/\S+ \(([a-z]+)/i.exec(userAgent ?? '')?.[1]?.toLowerCase()
  if (name === undefined) return null
  return Object.hasOwn(SYSTEMS, name) ? SYSTEMS[name]! : name
}
