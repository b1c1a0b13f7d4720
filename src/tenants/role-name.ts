/** Letters of other scripts that look like Latin ones, and what is hard to tell apart within Latin. */
const LOOK_ALIKES: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'а|a в|b с|c ԁ|d е|e г|r һ|h н|h і|l ӏ|l ј|j к|k м|m п|n о|o р|p ԛ|q ѕ|s т|t у|y ѵ|v ԝ|w х|x ь|b',
    'α|a β|b ε|e γ|y η|n ι|l κ|k μ|u ν|v ο|o ρ|p σ|o τ|t υ|u χ|x ω|w ζ|z',
    'ı|l i|l 1|l 0|o ɑ|a ɡ|g ſ|s ʟ|l ɪ|l',
  ]
    .join(' ')
    .split(' ')
    .map((pair) => pair.split('|')),
)

/** Alphabets whose letters pass for each other's. A name keeps to one of them (UTS #39 §5.2). */
const ALPHABETS = [
  /\p{Script=Latin}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Lisu}/u,
]

const MOST_CHARACTERS = 60

/** Controls, what is meant to be ignored (fillers, joiners, selectors), and the empty Braille pattern. */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu

/**
 * A name as it is kept: 1 to 60 characters, without what is not seen. Null for one that does not fit.
 */
export function readName(text: string): string | null {
  const name = text.normalize('NFC').replaceAll(/\s+/gu, ' ').replaceAll(UNSEEN, '').trim()
  return name.length >= 1 && name.length <= MOST_CHARACTERS ? name : null
}

/**
 * The name of a role, which must not look like one that is taken. Null also for one that mixes alphabets.
 *
 * LIMIT: whole words in scripts beside Latin, Greek and Cyrillic are held against each other letter by
 * letter, not by their shapes.
 */
export function readRoleName(text: string, taken: readonly string[]): string | null {
  const name = readName(text)
  if (name === null || ALPHABETS.filter((alphabet) => alphabet.test(name.normalize('NFKC'))).length > 1)
    return null
  const look = lookOf(name)
  return taken.some((other) => lookOf(other) === look) ? null : name
}

/** What a name looks like: two that agree here are easily taken for each other (after UTS #39 §4). */
function lookOf(name: string): string {
  const letters = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[\p{Script=Inherited}\s]/gu, '')
  return Array.from(letters, (letter) => LOOK_ALIKES[letter] ?? letter)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}
