import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DeliveryTraceError, parseDeliveryTrace } from './delivery-trace.ts'

const faultOf = (text: string): string => {
  try {
    parseDeliveryTrace(text)
  } catch (error) {
    assert.ok(error instanceof DeliveryTraceError, String(error))
    assert.ok(error.message.startsWith(`line ${error.line}: `))
    return error.message
  }
  return assert.fail('the trace is accepted')
}

test('reads one opportunity from each line, with either end of line, and with or without the last', () => {
  const times = Uint32Array.of(0, 5, 5, 12)
  assert.deepEqual(parseDeliveryTrace('0\n5\n5\n12\n'), times)
  assert.deepEqual(parseDeliveryTrace('0\r\n5\r\n5\r\n12'), times)
})

test('names the line that is no number, and the one where time falls', () => {
  assert.match(faultOf('1\n2.5\n'), /^line 2: "2.5"/u)
  assert.match(faultOf('1\n\n3\n'), /^line 2: ""/u)
  assert.match(faultOf('1\n-2\n'), /^line 2: "-2"/u)
  assert.match(faultOf('1\n3\n2\n'), /^line 3: "2" is earlier than 3/u)
})

test('refuses a trace without a period', () => {
  assert.match(faultOf(''), /^line 1: .*at least until millisecond 1/u)
  assert.match(faultOf('0\n0\n'), /^line 2: .*at least until millisecond 1/u)
})

test('every sequence of whole numbers that never falls is read back, and no other text is', () => {
  const steps = fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(steps, (gaps) => {
      let time = 1
      const times = gaps.map((gap) => (time += gap))
      assert.deepEqual(parseDeliveryTrace(`${times.join('\n')}\n`), Uint32Array.from(times))
    }),
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[-\d .x\n]{1,12}$/u), (text) => {
      fc.pre(/[^\d\n]/u.test(text))
      assert.throws(() => parseDeliveryTrace(text), DeliveryTraceError)
    }),
  )
})
