// The view of the graph: its place and size on screen, and the way from box to
// box by the arrow keys.

import type { Placed, PlacedBox } from './layout'

/** The graph moved by x, y px and drawn at a scale. */
export interface Camera {
  x: number
  y: number
  scale: number
}

const MIN = 0.02
const MAX = 2

/** The camera that shows the whole graph, in the middle; never larger than it is. */
export function fit(g: Placed, width: number, height: number, room = 24): Camera {
  const scale = Math.max(MIN, Math.min(1, (width - 2 * room) / (g.width || 1), (height - 2 * room) / (g.height || 1)))
  return { scale, x: (width - g.width * scale) / 2, y: Math.max(room, (height - g.height * scale) / 2) }
}

/** The first camera: the whole graph if it can be read then, else the selected box or the top, at a size for reading. */
export function start(g: Placed, width: number, height: number, selected?: PlacedBox): Camera {
  const whole = fit(g, width, height)
  if (whole.scale >= 0.5) return whole
  const first = selected ?? g.boxes.find((b) => !b.open) ?? { x: 0, y: 0, width: g.width, height: 0 }
  return centre(first, width, height, 0.75)
}

/** The camera that shows a box in the middle. */
export function centre(
  b: { x: number; y: number; width: number; height: number },
  width: number,
  height: number,
  scale: number,
): Camera {
  const tall = Math.min(b.height, height / scale)
  return { scale, x: width / 2 - (b.x + b.width / 2) * scale, y: height / 2 - (b.y + tall / 2) * scale }
}

/** The camera zoomed around a point of the screen, which stays where it is. */
export function zoomAt(c: Camera, factor: number, x: number, y: number): Camera {
  const scale = Math.max(MIN, Math.min(MAX, c.scale * factor))
  const k = scale / c.scale
  return { scale, x: x - (x - c.x) * k, y: y - (y - c.y) * k }
}

/** Whether a box is in view, its middle at least. */
export function inView(b: PlacedBox, c: Camera, width: number, height: number): boolean {
  const x = (b.x + b.width / 2) * c.scale + c.x
  const y = (b.y + (b.open ? 16 : b.height / 2)) * c.scale + c.y
  return x > 0 && y > 0 && x < width && y < height
}

/** The nearest box in the direction of an arrow key; what is aside counts as twice as far. */
export function neighbour(boxes: readonly PlacedBox[], from: PlacedBox, key: string): PlacedBox | undefined {
  const dx = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0
  const dy = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0
  if (!dx && !dy) return undefined
  // A group stands where its title is.
  const at = (b: PlacedBox) => ({ x: b.x + b.width / 2, y: b.y + (b.open ? 16 : b.height / 2) })
  const a = at(from)
  let best: PlacedBox | undefined
  let least = Infinity
  for (const b of boxes) {
    if (b === from) continue
    const c = at(b)
    const ahead = (c.x - a.x) * dx + (c.y - a.y) * dy
    const aside = Math.abs((c.x - a.x) * dy + (c.y - a.y) * dx)
    if (ahead <= 0.5) continue
    const far = ahead + aside * 2
    if (far < least) {
      least = far
      best = b
    }
  }
  return best
}

/** The path of an edge through its points, for SVG: straight, with round corners. */
export function edgePath(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points
  if (!first || !rest.length) return ''
  let d = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`
  for (let i = 0; i < rest.length - 1; i++) {
    const p = rest[i]!
    const q = rest[i + 1]!
    d += ` Q${p.x.toFixed(1)} ${p.y.toFixed(1)} ${((p.x + q.x) / 2).toFixed(1)} ${((p.y + q.y) / 2).toFixed(1)}`
  }
  const last = rest.at(-1)!
  return `${d} L${last.x.toFixed(1)} ${last.y.toFixed(1)}`
}
