/** Guesses what a mistyped name was meant to be. */

/** Edits (insert, delete, replace, swap neighbours) between two words: Damerau and Levenshtein, optimal string alignment. */
export const distance = (a: string, b: string): number => {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1)
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** Letters and digits only: 1.3, "TLS 1.3" and tls-1_3 differ only in how they are written. */
const bare = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/gu, '')

/** The one of `among` that `word` most probably means, or undefined where nothing is near. A number is near no other number. */
export const nearest = (word: string, among: readonly string[]): string | undefined => {
  const wanted = bare(word)
  if (wanted === '') return undefined
  const number = /^\d+$/u.test(wanted)
  let best: string | undefined
  let least = Infinity
  for (const name of among) {
    const edits = distance(wanted, bare(name))
    const limit = number
      ? 0
      : Math.max(1, Math.floor(Math.max(wanted.length, bare(name).length) / 3))
    if (edits <= limit && edits < least) {
      best = name
      least = edits
    }
  }
  return (
    best ?? (wanted.length > 2 ? among.find((name) => bare(name).startsWith(wanted)) : undefined)
  )
}
