import { dirname, posix } from 'node:path'
import { Visitor } from 'oxc-parser'
import type { Source } from './source-tree.ts'

/** One module that a file names: static, dynamic, re-exported or as a type. */
export interface Import {
  specifier: string
  line: number
  /** True when nothing of it remains at run time. */
  typeOnly: boolean
}

/** Every module specifier in a source file; a dynamic import whose argument is computed has none. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = []
  const add = (value: unknown, offset: number, typeOnly: boolean): void => {
    if (typeof value === 'string') found.push({ specifier: value, line: source.lineAt(offset), typeOnly })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.start, node.importKind === 'type'),
    ExportAllDeclaration: (node) => add(node.source.value, node.start, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => add(node.source?.value, node.start, node.exportKind === 'type'),
    TSImportType: (node) => add(node.source.value, node.start, true),
    ImportExpression: (node) => {
      if (node.source.type === 'Literal') add(node.source.value, node.start, false)
    },
  }).visit(source.parsed.program)
  return found
}

/** The file that a relative specifier names, relative to the root; `undefined` for a package. */
export function resolveRelative(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(dirname(file), specifier) : undefined
}

/** The package of a bare specifier: `@a/b/c` → `@a/b`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}

/** Cycles among files, each as the list of its files; found by Tarjan's strongly connected components. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []
  const visit = (node: string): number => {
    const own = index.size
    let lowest = own
    index.set(node, own)
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next))
      else if (stack.includes(next)) lowest = Math.min(lowest, index.get(next) ?? own)
    }
    if (lowest === own) {
      const members = stack.splice(stack.indexOf(node))
      if (members.length > 1 || graph.get(node)?.includes(node)) cycles.push(members)
    }
    return lowest
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return cycles
}
