/**
 * Verify: lets anyone check, from outside, what a system says about its promises.
 *
 * It promises that a signature, proof, entry or page that does not hold is refused with a code of its
 * own (`VerifyError`, exit 3), apart from a promise that was not kept (exit 1) and from a check that
 * could not run (`VerifyRunError`, exit 2). It reads the whole evidence log, rebuilds its root, and
 * derives every status itself by the rule the server uses (`deriveStandings`); nothing it prints rests
 * on the page's word.
 *
 * It does not make the operator honest: it shows what was said, when, and that nothing was changed or
 * hidden since it last looked. Unless a witness is asked for two visitors could be shown two logs; a key taken
 * from the site itself vouches for that site only as long as nobody replaced both.
 *
 * Runs in Node and in browsers: imports only `kernel`, reads no clock of its own.
 */
export { recordedAudit } from './audit-log.ts'
export type { RecordedAudit, SeenAudit } from './audit-log.ts'
export {
  AUDIT_ENTRY_LABEL,
  AUDIT_LEAF_BYTES,
  AUDIT_SALT_BYTES,
  commitAuditEntry,
} from './audit-commitment.ts'
export { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts'
export type { Checkpoint } from './checkpoint.ts'
export {
  cosign,
  createWitnessKey,
  findSignatureLine,
  formatWitnessKey,
  parseWitnessKey,
  readCosignatures,
} from './cosignature.ts'
export type { Cosignature, WitnessKey, WitnessSigner } from './cosignature.ts'
export { ENTRY_VERSION, parseEntry } from './entry.ts'
export type {
  EvidenceBody,
  EvidenceEntry,
  EvidenceKind,
  KeyLadder,
  KeysDestroyed,
  KeysRotated,
  LogOpened,
  Observed,
  ProbeResult,
  ProbeStarted,
  PromiseChanged,
  PromiseClaim,
  PromiseDeclared,
  PromiseWithdrawn,
} from './entry.ts'
export { VerifyError, VerifyRunError } from './errors.ts'
export { HASH_BYTES, hashBytes } from './hash-bytes.ts'
export { createHashTree } from './hash-tree.ts'
export type { HashTree } from './hash-tree.ts'
export { LIMITS } from './limits.ts'
export {
  emptyRoot,
  hashLeaf,
  hashNode,
  makeConsistencyProof,
  makeInclusionProof,
  rootAt,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
export type { HashReader } from './merkle.ts'
export {
  createVerifierKey,
  formatVerifierKey,
  parseNote,
  parseVerifierKey,
  signNote,
  verifyNote,
} from './note.ts'
export type { Note, NoteSignature, NoteSigner, VerifierKey } from './note.ts'
export { formatPromiseKey } from './promise-key.ts'
export { countStandings, exitCodeOf, STEPS } from './report.ts'
export type { Problem, StepId, StepReport, VerificationReport } from './report.ts'
export { parseSecurityPage } from './security-page.ts'
export type { SecurityPage, ShownPromise } from './security-page.ts'
export { verifySite } from './site.ts'
export type { VerifyProgress, VerifySiteOptions } from './site.ts'
export { AUDIT_PATH, EVIDENCE_PATH } from './source.ts'
export type { Fetch } from './source.ts'
export { parseVerifierState } from './state.ts'
export type { VerifierState } from './state.ts'
export { deriveEvidence, deriveStandings } from './status.ts'
export type {
  DerivedEvidence,
  DeriveStandings,
  Irregularity,
  PromiseStanding,
  PromiseStatus,
  StatusInterval,
} from './status.ts'
export {
  bundlesOf,
  formatBundle,
  parseBundle,
  parseTilePath,
  splitTile,
  TILE_WIDTH,
  tileHashReader,
  tilePath,
  tilesOf,
  tileWidth,
} from './tile.ts'
export type { Tile } from './tile.ts'
export { createTileEdge } from './tile-edge.ts'
export type { FullTile, TileEdge } from './tile-edge.ts'
export { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts'
export type { TlogProof } from './tlog-proof.ts'
export { isWitnessedPath, witnessedPath } from './witnesses.ts'
export type { WitnessReport } from './witnesses.ts'
export { gradeHeaders, HEADER_RULES, observeFromOutside, readSecurityTxt } from './outside/index.ts'
export type { HeaderFinding, HeaderSample, OutsideFinding, OutsideOptions } from './outside/index.ts'
