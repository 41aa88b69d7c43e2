import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NamespaceFacts } from './user-namespace.ts'
import { mayMakeLinks, NAMESPACE_SETTINGS, obstacles } from './user-namespace.ts'

const refused = 'unshare: unshare failed: Operation not permitted'

/** A machine on which nothing is known to be in the way, changed as given. */
const facts = (
  change: Partial<NamespaceFacts> = {},
  settings: Partial<NamespaceFacts['settings']> = {},
): NamespaceFacts => ({
  unshare: true,
  said: refused,
  entered: false,
  tun: 'open',
  ...change,
  settings: {
    'user/max_user_namespaces': '96365',
    'user/max_net_namespaces': '96365',
    'kernel/unprivileged_userns_clone': '1',
    'kernel/apparmor_restrict_unprivileged_userns': '0',
    ...settings,
  },
})

const CASES: readonly (readonly [string, NamespaceFacts, RegExp, RegExp])[] = [
  [
    'AppArmor restricts user namespaces (Ubuntu 24.04)',
    facts({}, { 'kernel/apparmor_restrict_unprivileged_userns': '1' }),
    /AppArmor.*kernel\.apparmor_restrict_unprivileged_userns = 1/,
    /^sudo sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0$/,
  ],
  [
    'the limit of user namespaces is zero',
    facts({}, { 'user/max_user_namespaces': '0' }),
    /user\.max_user_namespaces = 0/,
    /^sudo sysctl -w user\.max_user_namespaces=\d+$/,
  ],
  [
    'the limit of network namespaces is zero',
    facts({}, { 'user/max_net_namespaces': '0' }),
    /user\.max_net_namespaces = 0/,
    /^sudo sysctl -w user\.max_net_namespaces=\d+$/,
  ],
  [
    'only root may clone user namespaces (Debian 10)',
    facts({}, { 'kernel/unprivileged_userns_clone': '0' }),
    /kernel\.unprivileged_userns_clone = 0/,
    /^sudo sysctl -w kernel\.unprivileged_userns_clone=1$/,
  ],
  [
    '/dev/net/tun is missing',
    facts({ entered: true, tun: 'missing' }),
    /\/dev\/net\/tun is missing/,
    /modprobe tun.*mknod -m 666 \/dev\/net\/tun c 10 200/,
  ],
  [
    '/dev/net/tun may not be opened',
    facts({ entered: true, tun: 'forbidden' }),
    /may not open \/dev\/net\/tun/,
    /^sudo chmod 666 \/dev\/net\/tun$/,
  ],
  [
    'a node of /dev/net/tun stands there without the module',
    facts({ entered: true, said: 'The link could not open /dev/net/tun: ENODEV.' }),
    /ENODEV/,
    /modprobe tun/,
  ],
  [
    'the program unshare is missing',
    facts({ unshare: false, said: '' }),
    /program unshare/,
    /apt-get install.*util-linux/,
  ],
  [
    'nothing that is known, such as the filter of a container',
    facts(),
    /Operation not permitted/,
    /--privileged/,
  ],
]

for (const [name, found, what, remedy] of CASES)
  test(`the one obstacle is named with its remedy where ${name}`, () => {
    const [only, ...others] = obstacles(found)
    assert.match(only?.what ?? '', what)
    assert.match(only?.remedy ?? '', remedy)
    assert.deepEqual(others, [])
  })

test('several obstacles are told at once', () => {
  const off = facts({ tun: 'forbidden' }, { 'kernel/unprivileged_userns_clone': '0' })
  assert.deepEqual(
    obstacles(off).map(({ what }) => /userns_clone|tun/.exec(what)?.[0]),
    ['userns_clone', 'tun'],
  )
})

test('a setting that did not keep the attempt from its namespaces is no obstacle', () => {
  // An AppArmor profile of its own may allow what the setting forbids.
  const allowed = facts(
    { entered: true, tun: 'missing' },
    { 'kernel/apparmor_restrict_unprivileged_userns': '1' },
  )
  assert.deepEqual(
    obstacles(allowed).map(({ what }) => what),
    ['/dev/net/tun is missing'],
  )
})

test('settings that a kernel does not have are no obstacles', () => {
  const none = Object.fromEntries(NAMESPACE_SETTINGS.map((name) => [name, null]))
  assert.deepEqual(
    obstacles(facts({}, none)).map(({ what }) => what),
    [refused],
  )
})

test('links need CAP_NET_ADMIN and CAP_SYS_ADMIN', () => {
  const status = (capabilities: string): string =>
    `Name:\tnode\nCapEff:\t${capabilities}\nNoNewPrivs:\t0\n`
  assert.equal(mayMakeLinks(status('000001ffffffffff')), true)
  assert.equal(mayMakeLinks(status('0000000000201000')), true)
  assert.equal(mayMakeLinks(status('0000000000000000')), false)
  // Root in a container as Docker starts it.
  assert.equal(mayMakeLinks(status('00000000a80425fb')), false)
  assert.equal(mayMakeLinks(status('0000000000200000')), false)
})
