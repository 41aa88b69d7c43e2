/** Mistakes of syntax in words for somebody who has never read the YAML specification. */
import type { Finding } from './problem.ts'

const NO_COLON: Finding = {
  found: 'a line without ": "',
  allowed: 'lines such as "key: value"',
}

/** What to say about an error of the YAML library: its code, else its own words. */
export const syntaxProblem = (code: string, message: string): Finding => {
  switch (code) {
    case 'TAB_AS_INDENT':
      return { found: 'a tab', allowed: 'spaces for indentation' }
    case 'MULTIPLE_DOCS':
      return { found: 'a second document (after "---")', allowed: 'one scenario in one file' }
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        found: 'a second ": " in one line, or a line that is indented too far',
        allowed: 'one "key: value" in a line; quotes around text that contains ": "',
      }
    case 'BAD_SCALAR_START':
      return {
        found: 'a value that starts with a special character',
        allowed: 'that value in quotes',
      }
    case 'BAD_INDENT':
      return message.startsWith('Flow')
        ? {
            found: 'a "[" or "{" above that is not closed',
            allowed: 'a "]" or "}" for each of them',
          }
        : {
            found: 'a line that starts neither in line with the keys above nor deeper',
            allowed: 'the same number of spaces before all keys of a mapping',
          }
    case 'RESOURCE_EXHAUSTION':
      return { found: 'lists or mappings nested too deep', allowed: 'the few levels of a scenario' }
    case 'MISSING_CHAR':
      if (message.includes('quote'))
        return { found: 'text in quotes above that is not closed', allowed: 'a quote at both ends' }
      return message.startsWith('Implicit map keys') ? NO_COLON : notYaml(message)
    case 'MULTILINE_IMPLICIT_KEY':
      return NO_COLON
    default:
      return notYaml(message)
  }
}

const notYaml = (message: string): Finding => ({
  found: message,
  allowed: 'YAML 1.2',
  message: `this is not YAML: ${message}. Look at this line and the one before it: indentation, brackets, quotes.`,
})
