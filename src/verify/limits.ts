/** Every limit of the verifier, in one table. Sizes are bytes, times are milliseconds. */
export const LIMITS = {
  /** One log entry: bundles carry its length as a uint16 (C2SP tlog-tiles, "Log entries"). */
  maxEntryBytes: 65_535,
  /** A checkpoint with all its signatures; room for 16 post-quantum cosignatures. */
  maxCheckpointBytes: 131_072,
  /** Signature lines of one note; signed-note demands that at least 16 are accepted. */
  maxSignatures: 64,
  /** A verifier key's line. */
  maxVkeyBytes: 1_024,
  /** A tlog-proof: at most 63 hashes, a checkpoint and extra data. */
  maxProofBytes: 262_144,
  /** One entry bundle: 256 entries of the greatest size. */
  maxBundleBytes: 256 * (2 + 65_535),
  /** A tile of 256 hashes. */
  maxTileBytes: 8_192,
  /** `/security.json`. */
  maxPageBytes: 16_777_216,
  /** `security.txt`; RFC 9116 §5.6 asks for a limit. */
  maxSecurityTxtBytes: 32_768,
  /** Entries of a log this verifier is ready to read and hold in memory. */
  maxLogSize: 2_000_000,
  /** Bytes of all entries together: what is held in memory while a log is verified. */
  maxLogBytes: 536_870_912,
  /** How often a witness asked for is looked at again while it has not cosigned the newest entries. */
  witnessTries: 20,
  /** And how long to wait between. */
  witnessPauseMs: 1_000,
  /** How far an entry may lie ahead of the verifier's clock. */
  maxFutureMs: 300_000,
  /** How old a page may be and still be measured against its own moment instead of now. */
  maxPageAgeMs: 300_000,
  /** How long a result may count, in seconds: 400 days. */
  maxCadenceSeconds: 34_560_000,
  /** A check without a result counts as unanswered after this, whatever deadline it gave itself. */
  maxRunMs: 86_400_000,
  /** Checks of one promise that may be under way at once; a start beyond is irregular. */
  maxPendingRuns: 64,
  /** One HTTP request. */
  requestTimeoutMs: 30_000,
  /** Requests under way at a time. */
  concurrency: 8,
  /** Problems listed in a report; further ones are only counted. */
  maxProblems: 100,
  /** Notes listed in a report; the last one counts the rest. */
  maxNotes: 100,
} as const
