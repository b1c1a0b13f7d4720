/** What keeps a text from being well-formed XML as we write it, or null: tags, attributes, entities, characters. */
export function xmlProblem(text: string): string | null {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) || !text.isWellFormed())
    return 'illegal character'
  const open: string[] = []
  let end = 0
  const body = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '')
  for (const tag of body.matchAll(/<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const between = body.slice(end, tag.index)
    if (between.includes('<')) return `stray < before ${tag[0]}`
    end = tag.index + tag[0].length
    const [, closing, name, , empty] = tag as unknown as string[]
    if (closing && open.pop() !== name) return `</${name}> closes nothing`
    if (!closing && !empty) open.push(name!)
  }
  if (body.slice(end).trim() !== '') return 'text after the root'
  if (/&(?!(?:amp|lt|gt|quot|apos|#\d+);)/.test(body)) return 'stray &'
  return open.length > 0 ? `<${open.at(-1)}> stays open` : null
}

/** The text of every element of a name, entities resolved. */
export function textsOf(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`, 'g'))].map((match) =>
    match[1]!
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&'),
  )
}
