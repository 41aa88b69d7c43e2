/** Writes DER (X.690), as much of it as a certificate needs. Each function returns one whole element. */

const element = (tag: number, ...contents: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(contents)
  return Buffer.concat([Uint8Array.of(tag), lengthOctets(content.length), content])
}

/** X.690 section 8.1.3: short form to 127, then the fewest octets. */
const lengthOctets = (length: number): Uint8Array => {
  if (length < 0x80) return Uint8Array.of(length)
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Uint8Array.of(0x80 | octets.length, ...octets)
}

export const sequence = (...members: readonly Uint8Array[]): Uint8Array => element(0x30, ...members)

export const set = (...members: readonly Uint8Array[]): Uint8Array => element(0x31, ...members)

/** A non-negative integer, from its magnitude, most significant octet first. */
export const integer = (magnitude: Uint8Array): Uint8Array => {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const digits = magnitude.length === 0 ? Uint8Array.of(0) : magnitude.subarray(start)
  // A leading one bit would make it negative.
  return (digits[0] ?? 0) > 0x7f ? element(0x02, Uint8Array.of(0), digits) : element(0x02, digits)
}

export const boolean = (value: boolean): Uint8Array =>
  element(0x01, Uint8Array.of(value ? 0xff : 0))

/** An object identifier in dotted form, such as "1.2.840.10045.4.3.2". */
export const oid = (dotted: string): Uint8Array => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left % 128))
    octets.push(...groups)
  }
  return element(0x06, Uint8Array.from(octets))
}

/** A bit string; the lowest `unused` bits of the last octet do not count. */
export const bitString = (bits: Uint8Array, unused = 0): Uint8Array =>
  element(0x03, Uint8Array.of(unused), bits)

export const octetString = (octets: Uint8Array): Uint8Array => element(0x04, octets)

export const utf8String = (text: string): Uint8Array => element(0x0c, Buffer.from(text))

/** To the second: UTCTime in the years 1950 to 2049, GeneralizedTime outside (RFC 5280 section 4.1.2.5). */
export const time = (date: Date): Uint8Array => {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`
  const year = date.getUTCFullYear()
  return year >= 1950 && year < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits))
}

/** [number] EXPLICIT, or a constructed [number] IMPLICIT. */
export const tagged = (number: number, ...contents: readonly Uint8Array[]): Uint8Array =>
  element(0xa0 | number, ...contents)

/** A primitive [number] IMPLICIT. */
export const implicit = (number: number, content: Uint8Array): Uint8Array =>
  element(0x80 | number, content)
