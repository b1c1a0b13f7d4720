/**
 * What a failed call of the HSM's process means: `unwrap` the bytes do not open, `gone` the key is
 * destroyed, `elsewhere` it belongs to another token, `config` a setting is wrong, `pin` the token
 * refuses the PIN (trying again would lock it), `lost` the device or the session.
 */
export type FailureKind = 'unwrap' | 'gone' | 'elsewhere' | 'config' | 'koffi' | 'pin' | 'lost'

/** A failure in words that hold no secret; it crosses to the parent as a reply. */
export class HsmFailure extends Error {
  override readonly name = 'HsmFailure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}

export type HsmRequest =
  | { readonly call: 'open'; readonly module: string; readonly token: string; readonly pin: string }
  | { readonly call: 'create'; readonly uuid: string; readonly label: string }
  | {
      readonly call: 'wrap' | 'unwrap'
      readonly key: string
      readonly bytes: Uint8Array
      readonly context: Uint8Array
    }
  | { readonly call: 'destroy'; readonly key: string }
  | { readonly call: 'list' }

export interface HsmMessage {
  readonly number: number
  readonly request: HsmRequest
}

export type HsmReply =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly failure: { readonly kind: FailureKind; readonly message: string } }
