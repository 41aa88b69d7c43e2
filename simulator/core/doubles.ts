/** Many numbers in a line of JSON: base64 of their bytes. NaN stays NaN. */

export const encodeDoubles = ({ buffer, byteOffset, byteLength }: Float64Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

export const decodeDoubles = (base64: string): Float64Array =>
  new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
