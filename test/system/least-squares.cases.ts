/** The line through the points with the least squared distances. */
export const fit = (
  x: readonly number[],
  y: readonly number[],
): { slope: number; intercept: number } => {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length
  const [mx, my] = [mean(x), mean(y)]
  const slope =
    mean(x.map((a, i) => (a - mx) * ((y[i] as number) - my))) / mean(x.map((a) => (a - mx) ** 2))
  return { slope, intercept: my - slope * mx }
}
