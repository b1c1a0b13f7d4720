/** The seed of the tests; another one by `SURETY_PROPERTY_SEED`. */
export const SEED = Number(process.env['SURETY_PROPERTY_SEED'] ?? 20_261_122)

export function tellSeed(): void {
  process.stdout.write(`property suite: seed ${SEED}\n`)
}
