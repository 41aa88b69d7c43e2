/** Our CoAP server and device session against Debian's libcoap (package libcoap3-bin), over loopback. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { MILLISECOND, monotonic, NEVER } from '../../simulator/core/clock.ts'
import { peerAddress, peerKey } from '../../simulator/core/endpoint.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { ProtocolOptions, Reliability } from '../../simulator/core/types.ts'
import { CoapServer } from '../../simulator/protocols/coap/server.ts'
import { CoapDevice } from '../../simulator/protocols/coap/session.ts'
import type { DeviceEvents } from '../../simulator/protocols/session.ts'

const HOST = '127.0.0.1'
const CLIENT = 'coap-client-notls'
const SERVER = 'coap-server-notls'

const installed = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const skip =
  installed(CLIENT) && installed(SERVER)
    ? false
    : `${CLIENT} or ${SERVER} is missing: apt-get install libcoap3-bin`

const bound = async (): Promise<Socket> => {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}

/** What coap-client prints on both outputs; it ends by itself after `-B` seconds at the latest. */
const ask = (...args: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(CLIENT, ['-B', '3', ...args], { timeout: 10000 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    )
  })

// ---- our server, asked by coap-client ---------------------------------------------------------------------------

const serve = async () => {
  const socket = await bound()
  const delivered: string[] = []
  const server = new CoapServer(
    {
      devices: 100,
      reliability: 'acknowledged',
      options: {},
      serverName: '',
      password: '',
      random: new Random(1),
    },
    {
      consumerReady: () => {},
      received: (device, payload) => delivered.push(`${device} ${Buffer.from(payload).toString()}`),
      ended: () => {},
    },
  )
  server.below = {
    toPeer: (peer, bytes) => {
      const { host, port } = peerAddress(peer)
      socket.send(Uint8Array.from(bytes), port, host)
    },
    close: () => socket.close(),
    traffic: new Traffic(),
  }
  socket.on('message', (bytes, from) =>
    server.fromPeer(peerKey({ host: from.address, port: from.port }), bytes, monotonic()),
  )
  return { url: `coap://${HOST}:${socket.address().port}`, server, delivered, socket }
}

test(
  'coap-client discovers our server, sends telemetry to it and understands its refusals',
  { skip },
  async () => {
    const { url, server, delivered, socket } = await serve()
    try {
      const core = await ask('-m', 'get', `${url}/.well-known/core`)
      assert.match(core, /<\/rd>;rt="core\.rd";ct=40,<\/d\/000000>;title="telemetry"/)
      assert.doesNotMatch(await ask('-m', 'put', '-e', 'put', `${url}/d/000007`), /4\.|5\./)
      assert.doesNotMatch(await ask('-m', 'post', '-e', 'post', `${url}/d/000008`), /4\.|5\./)
      await ask('-N', '-m', 'post', '-e', 'non', `${url}/d/000009`)
      assert.deepEqual(delivered, ['7 put', '8 post', '9 non'])
      assert.match(
        await ask('-v', '7', '-m', 'post', `${url}/rd?ep=d000042`),
        /2\.01.*Location-Path:rd, Location-Path:000042/,
      )
      assert.match(await ask('-m', 'get', `${url}/nothing`), /4\.04/)
      assert.match(await ask('-m', 'get', `${url}/d/000007`), /4\.05/)
      assert.match(
        await ask('-b', '16', '-m', 'put', '-e', 'x'.repeat(40), `${url}/d/000007`),
        /4\.02/,
      )
      assert.equal(server.duplicates, 0)
    } finally {
      socket.close()
    }
  },
)

// ---- our device session, answered by coap-server ------------------------------------------------------------------

const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts coap-server and waits until it answers. */
const coapServer = async (...args: readonly string[]): Promise<number> => {
  const socket = await bound()
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  const child = spawn(SERVER, ['-A', HOST, '-p', String(port), '-d', '100', ...args], {
    stdio: 'ignore',
  })
  started.push(child)
  for (let i = 0; i < 50; i++) {
    if (/\d/.test(await ask('-m', 'get', `coap://${HOST}:${port}/time`))) return port
    await pause(100)
  }
  return assert.fail(`${SERVER} did not answer within 5 s`)
}

class Log implements DeviceEvents {
  readonly acked: number[] = []
  readonly failed: string[] = []
  onReady: () => void = () => {}
  onSettled: () => void = () => {}
  sessionReady(): void {
    this.onReady()
  }
  transmitted(): void {}
  acknowledged(sequence: number): void {
    this.acked.push(sequence)
    this.onSettled()
  }
  gaveUp(sequence: number, reason: string): void {
    this.failed.push(`${sequence} ${reason}`)
    this.onSettled()
  }
  unblocked(): void {
    this.onReady()
  }
  ended(): void {}
}

const connect = async (port: number, reliability: Reliability, options: ProtocolOptions) => {
  const socket = createSocket('udp4')
  socket.connect(port, HOST)
  await once(socket, 'connect')
  const log = new Log()
  const device = new CoapDevice(
    {
      device: 42,
      reliability,
      options,
      serverName: '',
      password: '',
      random: new Random(11),
      registration: 'time-resource',
    },
    log,
  )
  let timer: NodeJS.Timeout | undefined
  const arm = (): void => {
    clearTimeout(timer)
    if (device.deadline() === NEVER) return
    const wait = Math.max(0, Math.ceil((device.deadline() - monotonic()) / MILLISECOND))
    timer = setTimeout(() => {
      if (monotonic() >= device.deadline()) device.expire(monotonic())
      arm()
    }, wait)
  }
  let received = 0
  socket.on('message', (bytes) => {
    received++
    device.fromBelow(bytes, monotonic())
    arm()
  })
  device.below = {
    fromAbove: (bytes) => {
      socket.send(Uint8Array.from(bytes))
      return true
    },
    close: () => socket.close(),
    traffic: new Traffic(),
  }
  return { device, log, arm, received: () => received }
}

/** Sends `n` messages as fast as NSTART lets it; settles when all are answered or given up. */
const run = async (port: number, n: number, options: ProtocolOptions) => {
  const { device, log, arm } = await connect(port, 'acknowledged', options)
  await new Promise<void>((resolve) => {
    let next = 0
    log.onReady = () => {
      while (next < n && device.send(next, Buffer.from(String(next).padStart(8, '0')), monotonic()))
        next++
      arm()
    }
    log.onSettled = () => {
      if (log.acked.length + log.failed.length === n) resolve()
    }
    device.open(monotonic())
    arm()
  })
  device.close(monotonic())
  return { device, log }
}

test(
  'a device session is answered by coap-server, and what it put is there',
  { skip },
  async () => {
    const port = await coapServer()
    const { device, log } = await run(port, 50, { nstart: 1 })
    assert.deepEqual(log.failed, [])
    assert.deepEqual(
      log.acked,
      Array.from({ length: 50 }, (_, k) => k),
    )
    assert.deepEqual([device.requests, device.transmissions], [51, 51])
    assert.match(await ask('-m', 'get', `coap://${HOST}:${port}/d/000042`), /00000049/)
  },
)

test(
  'a coap-server that loses 20 % of its answers gets every message, by retransmission',
  { skip },
  async () => {
    const port = await coapServer('-l', '20%')
    const { device, log } = await run(port, 100, {
      nstart: 0,
      ack_timeout: 100 * MILLISECOND,
      max_retransmit: 8,
    })
    assert.deepEqual(log.failed, [])
    assert.equal(log.acked.length, 100)
    assert.equal(device.requests, 101)
    // 1 / (1 - 0.2) = 1.25 copies per request; between 1 and 1.6 is seven standard deviations.
    assert.ok(
      device.transmissions > 101 && device.transmissions < 162,
      `${device.transmissions} copies`,
    )
  },
)

test(
  'coap-server honours No-Response: a NON request with it is stored and not answered',
  { skip },
  async () => {
    const port = await coapServer()
    const { device, log, arm, received } = await connect(port, 'best-effort', {})
    const ready = new Promise<void>((resolve) => {
      log.onReady = resolve
    })
    device.open(monotonic())
    arm()
    await ready
    for (let k = 0; k < 20; k++)
      assert.ok(device.send(k, Buffer.from(String(k).padStart(8, '0')), monotonic()))
    await pause(300)
    assert.equal(received(), 1)
    assert.match(await ask('-m', 'get', `coap://${HOST}:${port}/d/000042`), /00000019/)
    device.close(monotonic())
  },
)
