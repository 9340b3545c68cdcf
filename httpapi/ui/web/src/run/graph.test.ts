import { expect, test } from 'vitest'
import { edgesAmong, runsOfNodes } from './edges'
import { buildForest, type Run } from './forest'
import { layoutPlan, type PlacedBox } from './layout'
import { planGraph, type Box } from './plan'
import { run } from './testrun'

function edges(list: Run[], under = 'w') {
  const f = buildForest(list)
  const group = f.kids[f.byId.get(under)!]!
  return edgesAmong(f, group, runsOfNodes(f))
    .map((e) => `${f.runs[e.from]!.id}>${f.runs[e.to]!.id} ${e.kind}`)
    .sort()
}

const w = run('w', null, 0, 100)

test('dependencies name nodes; the edge comes from their run', () => {
  expect(
    edges([
      w,
      run('a', 'w', 0, 5, { node_id: 'A' }),
      run('b', 'w', 5, 9, { node_id: 'B', depends: ['A'] }),
      run('c', 'w', 9, 12, { node_id: 'C', depends: ['B'], run_depends: ['A', 'B'] }),
    ]),
  ).toEqual(['a>b depends', 'a>c run', 'b>c run'])
})

test('of a node in a loop the latest run before counts', () => {
  expect(
    edges([
      w,
      run('llm1', 'w', 0, 5, { node_id: 'L' }),
      run('tool1', 'w', 5, 9, { node_id: 'T', run_depends: ['L'] }),
      run('llm2', 'w', 9, 12, { node_id: 'L', run_depends: ['T'] }),
      run('tool2', 'w', 12, 15, { node_id: 'T', run_depends: ['L'] }),
    ]),
  ).toEqual(['llm1>tool1 run', 'llm2>tool2 run', 'tool1>llm2 run'])
})

test('where a dependency has no run, the siblings that ended last before it', () => {
  expect(
    edges([
      w,
      run('llm1', 'w', 0, 5, { node_id: 'L' }),
      run('t1', 'w', 5, 9, { node_id: 'clone-1', run_depends: ['L'] }),
      run('t2', 'w', 5, 8, { node_id: 'clone-2', run_depends: ['L'] }),
      run('llm2', 'w', 9, 12, { node_id: 'L', run_depends: ['original'] }),
    ]),
  ).toEqual(['llm1>t1 run', 'llm1>t2 run', 't1>llm2 time', 't2>llm2 time'])
})

test('a group without dependencies is ordered by its times', () => {
  expect(edges([w, run('a', 'w', 0, 2), run('b', 'w', 2, 4), run('c', 'w', 2, 5), run('d', 'w', 6, 8)])).toEqual([
    'a>b time',
    'a>c time',
    'b>d time',
    'c>d time',
  ])
  expect(edges([w, run('a', 'w', 0, 5), run('b', 'w', 1, 6), run('c', 'w', 2, 7)])).toEqual([])
})

test('many that end before the next begins make one edge, and runs without length no circle', () => {
  const wide = [w, ...Array.from({ length: 40 }, (_, i) => run(`p${i}`, 'w', 0, 5)), run('last', 'w', 6, 7)]
  expect(edges(wide)).toEqual(['p39>last time'])
  expect(edges([w, run('a', 'w', 0, 2), run('b', 'w', 3, 3), run('c', 'w', 3, 3)])).toEqual(['a>b time', 'a>c time'])
})

test('what stands above a run is never what it came after', () => {
  expect(edges([w, run('p', 'w', 0, 9, { node_id: 'P' }), run('k', 'p', 1, 2, { node_id: 'K', depends: ['P'] })], 'p')).toEqual(
    [],
  )
})

const wideRuns = (groups: number, each: number) => {
  const list = [run('w', null, 0, 10_000)]
  for (let g = 0; g < groups; g++) {
    list.push(run(`g${g}`, 'w', g, g + 1))
    for (let k = 0; k < each; k++) list.push(run(`g${g}.${k}`, `g${g}`, g + k / each, g + (k + 1) / each))
  }
  return list
}
const boxCount = (b: Box): number => (b.boxes ?? []).reduce((n, k) => n + boxCount(k) + (k.id >= 0 ? 1 : 0), 0)

test('groups open from the top while there is room', () => {
  const f = buildForest(wideRuns(100, 20))
  const plan = planGraph(f, new Map(), 1000)
  expect(plan.shown).toBe(boxCount(plan.top))
  expect(plan.shown).toBeLessThanOrEqual(1000)
  expect(plan.shown).toBeGreaterThan(900)
  expect(plan.shown + plan.hidden).toBe(f.runs.length)
  const closed = planGraph(f, new Map([[0, false]]))
  expect(closed.shown).toBe(1)
})

test('a group that is too large stays closed; opened by hand, or alone, it shows its first', () => {
  const f = buildForest([...wideRuns(1, 5000), run('other', 'w', 9000, 9001), run('below', 'other', 9000, 9001)])
  expect(planGraph(f, new Map(), 1000).shown).toBe(4)
  const g0 = f.byId.get('g0')!
  const plan = planGraph(f, new Map([[g0, true]]), 1000)
  const group = plan.top.boxes![0]!.boxes!.find((b) => b.id === g0)!
  expect(group.boxes!.at(-1)).toMatchObject({ more: 5000 - 997 })
  expect(plan.shown).toBe(1000)
  const alone = planGraph(buildForest(wideRuns(1, 5000)), new Map(), 1000)
  expect(alone.top.boxes![0]!.boxes![0]!.boxes!.at(-1)).toMatchObject({ more: 5000 - 998 })
})

test('an edge into another group joins the boxes side by side', () => {
  const f = buildForest([
    w,
    run('g1', 'w', 0, 5),
    run('a', 'g1', 0, 5, { node_id: 'A' }),
    run('g2', 'w', 1, 9),
    run('b', 'g2', 6, 9, { node_id: 'B', depends: ['A'] }),
  ])
  const plan = planGraph(f, new Map())
  const g1 = f.byId.get('g1')!
  expect(plan.top.boxes![0]!.edges).toEqual([{ from: g1, to: f.byId.get('g2')!, kind: 'depends' }])
})

function overlaps(boxes: PlacedBox[]): number {
  let found = 0
  for (const a of boxes)
    for (const b of boxes)
      if (
        a.id < b.id &&
        a.level === b.level &&
        a.x < b.x + b.width &&
        b.x < a.x + a.width &&
        a.y < b.y + b.height &&
        b.y < a.y + a.height
      )
        found++
  return found
}

test('boxes of 1,000 runs stand apart, inside their groups, within the graph', () => {
  const f = buildForest(wideRuns(40, 23))
  const placed = layoutPlan(planGraph(f, new Map()))
  expect(placed.boxes.length).toBe(961)
  expect(overlaps(placed.boxes)).toBe(0)
  const at = new Map(placed.boxes.map((b) => [b.id, b]))
  for (const b of placed.boxes) {
    expect(b.x).toBeGreaterThanOrEqual(0)
    expect(b.x + b.width).toBeLessThanOrEqual(placed.width + 0.01)
    const g = at.get(f.parent[b.id]!)
    if (g) expect(b.x >= g.x && b.y >= g.y && b.x + b.width <= g.x + g.width && b.y + b.height <= g.y + g.height).toBe(true)
  }
  expect(placed.edges.every((e) => e.points.length >= 2)).toBe(true)
})

test('what depends stands below what it depends on', () => {
  const f = buildForest([w, run('a', 'w', 0, 5), run('b', 'w', 6, 9), run('c', 'w', 6, 8)])
  const at = new Map(layoutPlan(planGraph(f, new Map())).boxes.map((b) => [f.runs[b.id]!.id, b]))
  expect(at.get('b')!.y).toBeGreaterThan(at.get('a')!.y + at.get('a')!.height)
  expect(at.get('c')!.y).toBe(at.get('b')!.y)
})

test('a loop of hundreds of steps is folded into columns', () => {
  const list = [run('w', null, 0, 1e6)]
  for (let i = 0; i < 300; i++) list.push(run(`s${i}`, 'w', i * 10, i * 10 + 9))
  const placed = layoutPlan(planGraph(buildForest(list), new Map()))
  expect(placed.height / placed.width).toBeGreaterThan(0.3)
  expect(placed.height / placed.width).toBeLessThan(3)
  expect(overlaps(placed.boxes)).toBe(0)
  expect(placed.edges.length).toBe(299)
  for (const b of placed.boxes)
    expect(b.x >= 0 && b.y >= 0 && b.x + b.width <= placed.width + 0.01 && b.y + b.height <= placed.height + 0.01).toBe(true)
})
