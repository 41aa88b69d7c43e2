/** Variable byte integers (MQTT 3.1.1 section 2.2.3, MQTT 5 section 1.5.5): 7 bits a byte, low first, at most 4 bytes. */
export const LARGEST_VARIABLE = 268_435_455
/** More bytes are needed. */
export const INCOMPLETE = -1
/** Four bytes with continuation bits, or more bytes than the value needs [MQTT-1.5.5-1]. */
export const MALFORMED = -2

/** How many bytes `value` takes. */
export const variableSize = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4

/** Writes `value` at `at` and returns where it ends. */
export const putVariable = (out: Uint8Array, at: number, value: number): number => {
  while (value >= 128) {
    out[at++] = (value & 127) | 128
    value >>>= 7
  }
  out[at++] = value
  return at
}

/** The value at `at`, INCOMPLETE when it does not end before `end`, or MALFORMED. Only the shortest form is taken, so `variableSize` tells its length. */
export const variableAt = (bytes: Uint8Array, at: number, end: number): number => {
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    if (at >= end) return INCOMPLETE
    const byte = bytes[at++] as number
    value |= (byte & 127) << shift
    if (byte < 128) return byte === 0 && shift > 0 ? MALFORMED : value
  }
  return MALFORMED
}
