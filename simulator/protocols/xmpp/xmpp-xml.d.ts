/** What we use of @xmpp/xml, which brings no types. Elements are ltx elements. */
declare module '@xmpp/xml' {
  export interface Element {
    /** With its prefix, as it was written. */
    readonly name: string
    readonly attrs: Readonly<Record<string, string | undefined>>
    readonly children: readonly (Element | string)[]
    /** Local name, and namespace where one is given. */
    is(name: string, namespace?: string): boolean
    getName(): string
    getNS(): string | undefined
    getChild(name: string, namespace?: string): Element | undefined
    getChildElements(): Element[]
    /** The text directly inside. */
    text(): string
  }

  export class Parser {
    on(event: 'start' | 'element' | 'end', listener: (element: Element) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    write(text: string): void
  }

  export function escapeXML(text: string): string
}
