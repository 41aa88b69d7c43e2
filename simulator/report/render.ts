/** Charts as files: the specification, SVG by Vega, and PNG by resvg with its own fonts, so that bytes do not depend on the machine. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Chart } from './charts/theme.ts'
import { readTextWidth } from './text-width.ts'

const FONTS = join(
  dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')),
  'ttf',
)
const REGULAR = join(FONTS, 'DejaVuSans.ttf')
const BOLD = join(FONTS, 'DejaVuSans-Bold.ttf')

export interface Rendered {
  readonly svg: string
  readonly png: Uint8Array
}

export type Renderer = (chart: Chart) => Promise<Rendered>

/** The part of a text mark that its width depends on. */
interface TextItem {
  readonly fontSize?: number
  readonly fontWeight?: string | number
}

/** Loads Vega and resvg (half a second), so it is called only when there is something to draw. */
export const createRenderer = async (): Promise<Renderer> => {
  const [vega, vegaLite, { Resvg }, regular, bold] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('@resvg/resvg-js'),
    readTextWidth(REGULAR),
    readTextWidth(BOLD),
  ])
  const { textMetrics } = vega as unknown as {
    textMetrics: { width: (item: TextItem, text: string | number | null) => number }
  }
  textMetrics.width = (item, text) => {
    const isBold = item.fontWeight === 'bold' || Number(item.fontWeight) >= 600
    return (isBold ? bold : regular)(String(text ?? ''), item.fontSize ?? 11)
  }
  return async (chart) => {
    const { spec } = vegaLite.compile(
      chart.spec as unknown as Parameters<typeof vegaLite.compile>[0],
    )
    const view = new vega.View(vega.parse(spec), { renderer: 'none' })
    const svg = await view.toSVG()
    view.finalize()
    const image = new Resvg(svg, {
      fitTo: { mode: 'zoom', value: 2 },
      font: {
        loadSystemFonts: false,
        fontFiles: [REGULAR, BOLD],
        defaultFontFamily: 'DejaVu Sans',
        sansSerifFamily: 'DejaVu Sans',
      },
    })
    return { svg, png: image.render().asPng() }
  }
}
