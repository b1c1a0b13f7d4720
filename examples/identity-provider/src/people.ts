/** Somebody whom the demo's provider knows. */
export interface ProviderPerson {
  /** The subject identifier in tokens; never changes and never goes to somebody else. */
  readonly sub: string
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
  /** What the sign-in page says about the person. */
  readonly about: string
}

/** The made-up people of the demo: reserved addresses that reach nobody. */
export const DEMO_PEOPLE: readonly ProviderPerson[] = [
  person('ada', 'Ada', 'ada@codetime.example', 'a member of the demo’s team'),
  person('grace', 'Grace', 'grace@codetime.example', 'an administrator of the demo’s team'),
  person('noor', 'Noor', 'noor@elsewhere.example', 'new here: has no account yet'),
  person('ines', 'Ines', 'ines@staff.codetime.example', 'staff: support'),
  person('ravi', 'Ravi', 'ravi@staff.codetime.example', 'staff: support lead'),
  person('tove', 'Tove', 'tove@staff.codetime.example', 'staff: security'),
]

function person(sub: string, name: string, email: string, about: string): ProviderPerson {
  return { sub: `person-${sub}`, name, email, emailVerified: true, about }
}
