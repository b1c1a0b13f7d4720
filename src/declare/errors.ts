import { defineErrors } from '../kernel/index.ts'

/** A data map, a role or a configuration that cannot be meant as written; thrown when it is defined. */
export const DeclareError = defineErrors('DeclareError', {
  ERR_DECLARE_RESOURCE: 'change the named key of the resource',
  ERR_DECLARE_FIELD: 'change the named option of the field',
  ERR_DECLARE_PERMISSION:
    "write permissions as 'resource:read|write|delete|*:own|tenant|any', with '(field,field)' behind it to limit reading or writing to fields",
  ERR_DECLARE_CONFIG: 'change the named key of the configuration',
})

/** A value that its declared field does not take. Names resource and field, never the value. */
export const ValueError = defineErrors('ValueError', {
  ERR_VALUE_MISSING: 'send the field, or declare it optional',
  ERR_VALUE_TYPE: 'send a value of the declared kind',
  ERR_VALUE_LENGTH: 'send less, or declare a greater max',
  ERR_VALUE_RANGE: 'send a value inside the declared range',
  ERR_VALUE_CHOICE: 'send one of the declared choices',
  ERR_VALUE_TEXT: 'send well-formed Unicode without NUL characters',
  ERR_VALUE_UNDECLARED: "declare the field, or set undeclared: 'drop' on the resource",
  ERR_VALUE_READONLY: 'leave the member out: the library sets it',
})
