import { isAbsolute, relative, sep } from 'node:path'

/** True when `inner` is the folder `outer` or lies in it, by their names alone, as this system writes paths. */
export function isWithin(outer: string, inner: string): boolean {
  const path = relative(outer, inner)
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path))
}
