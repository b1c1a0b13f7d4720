import { describe, expect, it } from 'vitest'
import { formatFinding, type Gate, runGate } from '../../scripts/gates/gate.ts'
import { GATES } from '../../scripts/gates/index.ts'

function gateThat(inspect: Gate['inspect']): Gate {
  return { name: 'planted', of: 'things', atLeast: 3, inspect }
}

describe('runGate', () => {
  it('passes a gate that looked at enough and found nothing', async () => {
    const result = await runGate(
      gateThat(async () => ({ looked: 3, findings: [] })),
      '.',
    )
    expect(result).toMatchObject({ looked: 3, findings: [] })
  })

  it('fails a gate that looked at too little', async () => {
    const { findings } = await runGate(
      gateThat(async () => ({ looked: 2, findings: [] })),
      '.',
    )
    expect(findings.map(formatFinding)).toEqual(['planted: looked at 2 things, expected at least 3'])
  })

  it('fails a gate that throws', async () => {
    const { findings } = await runGate(
      gateThat(() => Promise.reject(new TypeError('broken'))),
      '.',
    )
    expect(findings[0]?.message).toMatch(/the gate itself failed: TypeError: broken/)
  })
})

describe('the gates', () => {
  it('have names of their own and each want to see something', () => {
    expect(new Set(GATES.map(({ name }) => name)).size).toBe(GATES.length)
    expect(GATES.length).toBeGreaterThanOrEqual(9)
    for (const gate of GATES) expect(gate.atLeast).toBeGreaterThanOrEqual(20)
  })
})
