/**
 * Topics are a letter, a slash and six digits: one width, so that they cost every device the same bytes.
 *
 *     d/000042   what device 42 says
 *     b/000042   its large messages
 *     c/000042   what it is commanded
 *     f/000000   what is said to all
 */
const DIGITS = 6
export type TopicLetter = 'd' | 'b' | 'c' | 'f'
export const TOPIC_SIZE = 2 + DIGITS
/** The filter that matches every device's topic. */
export const ALL_TOPICS = 'd/+'
/** The filter that matches the topics of all large messages. */
export const ALL_LARGE = 'b/+'

/** The topic of `device`, as a filter. */
export const topicOf = (letter: TopicLetter, device: number): string =>
  `${letter}/${String(device).padStart(DIGITS, '0')}`

/** Writes the topic of `device` at `at` and returns where it ends. */
export const putTopic = (
  out: Uint8Array,
  at: number,
  letter: TopicLetter,
  device: number,
): number => {
  out[at] = letter.charCodeAt(0)
  out[at + 1] = 0x2f
  for (let i = at + TOPIC_SIZE - 1; i > at + 1; i--) {
    const rest = Math.floor(device / 10)
    out[i] = 0x30 + device - 10 * rest
    device = rest
  }
  return at + TOPIC_SIZE
}

/** The device that says something on the topic from `start` to `end`, or -1 when it is not the topic of a device. */
export const topicDevice = (bytes: Uint8Array, start: number, end: number): number =>
  deviceIn(bytes, start, end, 0x64)

/** The same of a topic of large messages. */
export const largeTopicDevice = (bytes: Uint8Array, start: number, end: number): number =>
  deviceIn(bytes, start, end, 0x62)

const deviceIn = (bytes: Uint8Array, start: number, end: number, letter: number): number => {
  if (end - start !== TOPIC_SIZE || bytes[start] !== letter || bytes[start + 1] !== 0x2f) return -1
  let device = 0
  for (let i = start + 2; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    device = device * 10 + digit
  }
  return device
}

/** Topic filters alone have + and # (section 4.7.1). */
export const hasWildcard = (topic: Uint8Array): boolean =>
  topic.includes(0x2b) || topic.includes(0x23)
