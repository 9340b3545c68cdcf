// The layout of graphs, off the main thread.
import { layoutPlan } from './layout'
import type { Plan } from './plan'

self.onmessage = (e: MessageEvent<{ id: number; plan: Plan }>) => {
  try {
    self.postMessage({ id: e.data.id, placed: layoutPlan(e.data.plan) })
  } catch (err) {
    self.postMessage({ id: e.data.id, error: String(err) })
  }
}
