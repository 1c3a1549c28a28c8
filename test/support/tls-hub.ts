import { type Authority, type CertificateFiles, createAuthority } from './certificates.ts'
import { type HubProcess, type HubProcessOptions, startHubProcess } from './hub-process.ts'
import { openStream, type RawStream, type RawStreamOptions } from './raw-stream.ts'

export interface TlsHub {
  readonly hub: HubProcess
  readonly authority: Authority
  /** Those that it reads. */
  readonly files: CertificateFiles
  /** Opens a stream over TLS. */
  readonly open: (path: string, options?: RawStreamOptions) => Promise<RawStream>
}

/** A hub process that speaks TLS, by a certificate of an authority of its own. */
export async function startTlsHub(
  settings: Record<string, string> = {},
  options: HubProcessOptions = {},
): Promise<TlsHub> {
  const authority = createAuthority()
  const files = authority.issue('hub')
  const paths = { PIAZZA_TLS_CERT_FILE: files.cert, PIAZZA_TLS_KEY_FILE: files.key }
  const { pem } = authority
  const hub = await startHubProcess({ ...paths, ...settings }, { ...options, authority: pem })
  const open = (path: string, more: RawStreamOptions = {}) =>
    openStream(hub.port, path, { authority: pem, ...more })
  return { hub, authority, files, open }
}
