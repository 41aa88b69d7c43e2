/** Charts as files: the specification, SVG by Vega, and PNG by resvg with its own fonts, so that bytes do not depend on the machine. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Chart } from './charts/theme.ts'

const FONTS = join(
  dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')),
  'ttf',
)

export interface Rendered {
  readonly svg: string
  readonly png: Uint8Array
}

/** Loads Vega and resvg (half a second) only when a chart is drawn. */
export const render = async (chart: Chart): Promise<Rendered> => {
  const [vega, vegaLite, { Resvg }] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('@resvg/resvg-js'),
  ])
  const { spec } = vegaLite.compile(chart.spec as unknown as Parameters<typeof vegaLite.compile>[0])
  const view = new vega.View(vega.parse(spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  const image = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: 2 },
    font: {
      loadSystemFonts: false,
      fontFiles: [join(FONTS, 'DejaVuSans.ttf'), join(FONTS, 'DejaVuSans-Bold.ttf')],
      defaultFontFamily: 'DejaVu Sans',
      sansSerifFamily: 'DejaVu Sans',
    },
  })
  return { svg, png: image.render().asPng() }
}
