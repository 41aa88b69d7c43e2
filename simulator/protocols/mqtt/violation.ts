/** The peer broke MQTT. Thrown by parsers, caught by the connection, which then closes: [MQTT-4.8.0-1], [MQTT-4.13.1-1] in MQTT 5. */
export class Violation extends Error {
  /** Reason code for the DISCONNECT of MQTT 5: malformed packet 0x81, protocol error 0x82. */
  readonly reasonCode: number
  constructor(what: string, reasonCode: number) {
    super(what)
    this.name = 'Violation'
    this.reasonCode = reasonCode
  }
}

/** The bytes are not a packet. `clause` is the statement or section that says so. */
export const malformed = (what: string, clause: string): Violation =>
  new Violation(`${what} [${clause}]`, 0x81)

/** The packet is well formed, but must not come here, or now, or with this content. */
export const protocolError = (what: string, clause: string): Violation =>
  new Violation(`${what} [${clause}]`, 0x82)
