/** A heading of docs/proxies.md, as its link has it. A test looks that each is there. */
export type Symptom =
  | 'held-back'
  | 'cut-while-idle'
  | 'compressed'
  | 'cached'
  | 'error-pages'
  | 'resuming-fails'
  | 'six-connections'

/** What one check has found. `note`: nothing is wrong with it, but it should be known. */
export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'note' | 'wrong'
  readonly text: string
  /** Where the setting that mends it stands. */
  readonly symptom?: Symptom
}

/** Makes the findings of one check. */
export function describe(check: string) {
  const of = (verdict: Finding['verdict']) => {
    return (text: string, symptom?: Symptom): Finding => ({
      check,
      verdict,
      text,
      ...(symptom && { symptom }),
    })
  }
  return { ok: of('ok'), note: of('note'), wrong: of('wrong') }
}
