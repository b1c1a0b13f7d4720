import { describe, expect, it } from 'vitest'
import { signAws } from './aws-signature.ts'

describe('the AWS signature', () => {
  // From AWS's Signature Version 4 test suite: the cases get-vanilla and post-vanilla.
  const credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  }
  const scope = { region: 'us-east-1', service: 'service', at: Date.UTC(2015, 7, 30, 12, 36) }
  it.each([
    ['GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ])('is the one that AWS publishes for a plain %s', (method, signature) => {
    const url = new URL('https://example.amazonaws.com/')
    const headers = signAws({ method, url, headers: {}, body: '' }, credentials, scope)
    expect(headers).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    })
  })
})
