import { open } from 'node:fs/promises'

export interface SyncedWrite {
  /** `'wx'` refuses an existing file, `'w'` replaces its content, `'r+'` overwrites it in place. */
  readonly flag: 'wx' | 'w' | 'r+'
  /** Permissions of a file that is made by it. */
  readonly mode: number
}

/** Writes a file and resolves once its content is on the disk. Its name may still be lost: see {@link syncFolder}. */
export async function writeSynced(
  path: string,
  content: string | Uint8Array,
  { flag, mode }: SyncedWrite,
): Promise<void> {
  const file = await open(path, flag, mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Resolves once the names in a folder are on the disk: what was made, renamed or removed there. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; its renames are journalled with the file.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
