/** Colours of one scheme. Text on its ground keeps a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */
export interface Palette {
  readonly paper: string
  readonly surface: string
  readonly sunken: string
  readonly line: string
  /** Borders of controls and marks that carry meaning: at least 3 against the paper (1.4.11). */
  readonly edge: string
  readonly text: string
  readonly muted: string
  readonly accent: string
  readonly accentText: string
  readonly good: string
  readonly goodGround: string
  readonly bad: string
  readonly badGround: string
  readonly unsure: string
  readonly unsureGround: string
  /** Fills of spans and bars: at least 3 against the surface (1.4.11). */
  readonly goodFill: string
  readonly badFill: string
  readonly unsureFill: string
  readonly series1: string
  readonly series2: string
  readonly series3: string
  readonly series4: string
  readonly series5: string
  readonly series6: string
}

export const light: Palette = {
  paper: '#faf9f6',
  surface: '#ffffff',
  sunken: '#f1efea',
  line: '#e1ddd5',
  edge: '#857f75',
  text: '#1c1e21',
  muted: '#595e66',
  accent: '#1d4ea3',
  accentText: '#ffffff',
  good: '#17653f',
  goodGround: '#e4f2ea',
  bad: '#a3231a',
  badGround: '#fce9e6',
  unsure: '#73500a',
  unsureGround: '#f9efd8',
  goodFill: '#2c8a5a',
  badFill: '#c43a2f',
  unsureFill: '#b58619',
  series1: '#2b62b8',
  series2: '#0f7b7b',
  series3: '#a05a12',
  series4: '#8a3b8f',
  series5: '#4d7a1e',
  series6: '#6b6f78',
}

export const dark: Palette = {
  paper: '#131517',
  surface: '#1b1e21',
  sunken: '#0e1011',
  line: '#2f3439',
  edge: '#7d848d',
  text: '#e9e7e2',
  muted: '#a7adb6',
  accent: '#93b7ff',
  accentText: '#0d1729',
  good: '#76d3a4',
  goodGround: '#142a20',
  bad: '#ffa196',
  badGround: '#381a17',
  unsure: '#e9c272',
  unsureGround: '#2f2611',
  goodFill: '#58b88a',
  badFill: '#f0796c',
  unsureFill: '#cfa046',
  series1: '#7aa7f5',
  series2: '#56c2c2',
  series3: '#e0a05c',
  series4: '#d08fd6',
  series5: '#9ccb6a',
  series6: '#a3a8b1',
}

const kebab = (name: string): string => name.replace(/[A-Z]|\d/g, (char) => `-${char.toLowerCase()}`)

/** The palette as custom properties: `--good-ground: #…;`. */
export function customProperties(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${kebab(name)}: ${colour};`)
    .join(' ')
}

function channel(hex: string): number {
  const value = Number.parseInt(hex, 16) / 255
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}

function luminance(colour: string): number {
  return (
    0.2126 * channel(colour.slice(1, 3)) +
    0.7152 * channel(colour.slice(3, 5)) +
    0.0722 * channel(colour.slice(5, 7))
  )
}

/** Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}
