/** The part of the page that answers "TCP or QUIC?". */
import { type Html, escape, note, paragraph } from './html.ts'
import { withEvidence } from './page-results.ts'
import { type Run, fullLabelOf } from './run.ts'
import { implementationWords, transportAnswers } from './tcp-or-quic.ts'

const CAVEAT =
  'What is compared here is one implementation of QUIC in user space with the TCP of this kernel; CPU and memory are theirs, not the protocols’. A different congestion control, retransmission floor or number of hops on the two sides explains a difference before the transport does: the fairness audit lists them, and scenarios/why-quic.yaml changes one at a time.'

/** Empty for a run that does not hold both. */
export const tcpOrQuic = (run: Run): Html => {
  const answers = transportAnswers(run)
  if (answers.length === 0) return ''
  return [
    ...answers.map(
      ({ condition, quic, tcp, sentences }) =>
        `<h3>${escape(`${quic.stack} or ${tcp.stack}? ${fullLabelOf(condition)}`)}</h3><p>${sentences.map(withEvidence).join(' ')}</p>`,
    ),
    paragraph(CAVEAT),
    ...implementationWords(run).map(note),
  ].join('')
}
