/** What the page needs to know about one promise of the catalogue. */
export interface CatalogueEntry {
  /** Null when the parameters fit, else in words what is wrong with them. */
  checkParams(params: Readonly<Record<string, string>>): string | null
}

/** Looks a promise up by its id; null when there is none. */
export type Catalogue = (id: string) => CatalogueEntry | null
