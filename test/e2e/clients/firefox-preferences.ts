/** The discard port: what is led there is refused on the machine itself. */
const NOWHERE = { host: '127.0.0.1', port: 9 }

/**
 * A fresh profile asks the world for a lot: updates, settings, experiments, telemetry. Most of it can be turned off one
 * by one; the proxy makes sure of the rest, as loopback never goes through it.
 */
export const FIREFOX_PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  'network.proxy.type': 1,
  'network.proxy.http': NOWHERE.host,
  'network.proxy.http_port': NOWHERE.port,
  'network.proxy.ssl': NOWHERE.host,
  'network.proxy.ssl_port': NOWHERE.port,
  'network.proxy.failover_direct': false,
  'network.proxy.allow_bypass': false,
  'network.trr.mode': 5,
  // else a container that starts anywhere on the machine makes it give up its streams (docs/clients.md)
  'network.notify.changed': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.region.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.search.update': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.connection.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.unified': false,
}
