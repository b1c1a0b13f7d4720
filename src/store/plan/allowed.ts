import { describeName, StoreError } from '../errors.ts'

/**
 * What may be named inside an expression. Kysely appends function names, operators, types, join
 * types and set operators to the SQL as they are, so nothing outside these lists is compiled.
 *
 * Left out on purpose: everything that reads settings, files, catalogs or other rows, that waits,
 * that runs text as SQL, that has a cost out of proportion to its input (regular expressions,
 * `repeat`, `generate_series`), and the clock (time comes from the caller).
 */
const FUNCTIONS = new Set([
  ...[
    'abs',
    'ceil',
    'ceiling',
    'coalesce',
    'div',
    'floor',
    'greatest',
    'least',
    'mod',
    'nullif',
    'power',
    'round',
    'sign',
    'sqrt',
    'trunc',
  ],
  ...[
    'btrim',
    'char_length',
    'concat',
    'concat_ws',
    'left',
    'length',
    'lower',
    'ltrim',
    'octet_length',
    'replace',
    'right',
    'rtrim',
    'split_part',
    'starts_with',
    'strpos',
    'substr',
    'substring',
    'trim',
    'upper',
  ],
  ...['date_bin', 'date_part', 'date_trunc', 'make_date', 'make_interval', 'to_char', 'to_timestamp'],
  ...[
    'any',
    'array_length',
    'array_position',
    'cardinality',
    'jsonb_array_length',
    'jsonb_typeof',
    'to_json',
    'to_jsonb',
  ],
  ...[
    'cume_dist',
    'dense_rank',
    'first_value',
    'lag',
    'last_value',
    'lead',
    'ntile',
    'percent_rank',
    'rank',
    'row_number',
  ],
])

const AGGREGATES = new Set([
  ...[
    'array_agg',
    'avg',
    'bool_and',
    'bool_or',
    'count',
    'every',
    'json_agg',
    'jsonb_agg',
    'max',
    'min',
    'string_agg',
    'sum',
  ],
  ...['stddev', 'stddev_pop', 'stddev_samp', 'variance', 'var_pop', 'var_samp'],
  ...[
    'cume_dist',
    'dense_rank',
    'first_value',
    'lag',
    'last_value',
    'lead',
    'ntile',
    'percent_rank',
    'rank',
    'row_number',
  ],
])

const COMPARISONS = [
  '=',
  '!=',
  '<>',
  '>',
  '>=',
  '<',
  '<=',
  'in',
  'not in',
  'is',
  'is not',
  'is distinct from',
  'is not distinct from',
]
const BINARY = new Set([
  ...COMPARISONS,
  ...['like', 'not like', 'ilike', 'not ilike', '^@', '@>', '<@', '&&', 'between', 'between symmetric'],
  ...['+', '-', '*', '/', '%', '||', '->', '->>'],
])
const UNARY = new Set(['not', '-', 'exists', 'not exists'])
const JSON_STEPS = new Set(['->', '->>'])

const TYPES = new Set([
  ...[
    'bigint',
    'boolean',
    'date',
    'double precision',
    'float4',
    'float8',
    'int2',
    'int4',
    'int8',
    'integer',
    'json',
    'jsonb',
  ],
  ...['numeric', 'real', 'smallint', 'text', 'time', 'timestamp', 'timestamptz', 'uuid', 'varchar'],
])
const SIZED_TYPE = /^(?:varchar|numeric|decimal|timestamptz|timestamp)\([0-9]{1,3}(?:, ?[0-9]{1,3})?\)$/

function allow(what: string, allowed: boolean, name: unknown): void {
  if (!allowed) throw new StoreError('ERR_STORE_FUNCTION', `${what} ${describeName(name)} is not allowed`)
}

export function allowFunction(name: string): string {
  allow('the function', FUNCTIONS.has(name), name)
  return name
}

export function allowAggregate(name: string): string {
  allow('the aggregate function', AGGREGATES.has(name), name)
  return name
}

export function allowBinary(operator: string): string {
  allow('the operator', BINARY.has(operator), operator)
  return operator
}

export function allowUnary(operator: string): string {
  allow('the operator', UNARY.has(operator), operator)
  return operator
}

export function allowJsonStep(operator: string): string {
  allow('the operator', JSON_STEPS.has(operator), operator)
  return operator
}

export function allowType(type: string): string {
  allow('the type', TYPES.has(type) || (typeof type === 'string' && SIZED_TYPE.test(type)), type)
  return type
}
