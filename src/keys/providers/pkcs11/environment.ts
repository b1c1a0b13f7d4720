/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What programs need to run at all, to find libraries and to say things in words; and SoftHSM's own. */
const ALWAYS = ['PATH', 'LD_LIBRARY_PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'SOFTHSM2_CONF']

/**
 * The environment of the process that runs a PKCS#11 module: `names` and what every program needs. The
 * rest stays out: it holds the app's secrets, and the module is foreign code.
 */
export function moduleEnvironment(names: readonly string[], env: Environment): Environment {
  const passed = [...ALWAYS, ...names].filter((name) => env[name] !== undefined)
  return Object.fromEntries(passed.map((name) => [name, env[name]]))
}
