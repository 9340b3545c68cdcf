// memo for Preact without its compat layer.
import { Component, h, type ComponentType, type JSX } from 'preact'

/** memo is a component that is rendered again only when one of its props is another value; functions do not count. */
export function memo<P extends object>(Inner: (props: P) => JSX.Element): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const now = this.props as Record<string, unknown>
      const to = next as Record<string, unknown>
      return Object.keys(to).some((k) => typeof to[k] !== 'function' && !Object.is(to[k], now[k]))
    }
    override render() {
      return h(Inner, this.props)
    }
  }
}
