import { SignJWT } from 'jose'
import { type Algorithm, algorithmsOfSecret } from './algorithms.ts'
import { type Right } from './grant.ts'

export interface Minting {
  readonly secret: string
  /** As of the hub that will verify it. */
  readonly algorithms: readonly Algorithm[]
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly subject: string | undefined
  /** Names and patterns. */
  readonly rights: Readonly<Partial<Record<Right, readonly string[]>>>
  readonly lifetimeMs: number
}

/** A token for development; in production the backend that knows the user makes it. */
export async function mintToken(minting: Minting): Promise<string> {
  const secret = Buffer.from(minting.secret)
  const alg = minting.algorithms[0] ?? algorithmsOfSecret(secret.length)[0] ?? 'HS256'
  const nowSeconds = Math.floor(Date.now() / 1000)
  const token = new SignJWT({ piazza: minting.rights })
    .setProtectedHeader({ alg, typ: 'JWT' })
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + Math.ceil(minting.lifetimeMs / 1000))
  if (minting.issuer !== undefined) token.setIssuer(minting.issuer)
  if (minting.audience !== undefined) token.setAudience(minting.audience)
  if (minting.subject !== undefined) token.setSubject(minting.subject)
  return token.sign(secret)
}
