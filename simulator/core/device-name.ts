/** Devices have names of one width in every protocol, so that names cost every device the same bytes. */
const WIDTH = 6
export const MOST_DEVICES = 10 ** WIDTH

/** Device 42 is d000042. */
export const deviceName = (device: number): string => `d${String(device).padStart(WIDTH, '0')}`

/** The device whose name stands in ASCII at `start`, or -1 when none does. */
export const deviceAt = (bytes: Uint8Array, start: number): number => {
  if (bytes[start] !== 0x64) return -1
  let device = 0
  for (let i = start + 1; i <= start + WIDTH; i++) {
    const digit = (bytes[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return -1
    device = device * 10 + digit
  }
  return device
}
