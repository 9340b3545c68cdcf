// Runs that the tests send, as the Dynamiq SDK sends them.
import { randomUUID } from 'node:crypto'

/** run is one root that ended; more overrides members. */
export function run(start, more = {}) {
  const at = new Date(start)
  const { ms = 1500, ...rest } = more
  return {
    id: randomUUID(),
    trace_id: randomUUID(),
    name: 'Workflow',
    type: 'workflow',
    start_time: at.toISOString(),
    end_time: ms === null ? null : new Date(at.getTime() + ms).toISOString(),
    parent_run_id: null,
    source_id: null,
    session_id: null,
    status: 'succeeded',
    input: { question: 'Oslo or Rome?' },
    output: { content: 'Rome' },
    metadata: {},
    error: null,
    executions: [],
    tags: [],
    ...rest,
  }
}

/** llm is a call of a model below a root; usage null = a call without a price. */
export function llm(parent, usage) {
  return run(parent.start_time, {
    trace_id: parent.trace_id,
    parent_run_id: parent.id,
    type: 'node',
    name: 'OpenAI',
    ms: 700,
    metadata: { node: { id: 'n1', name: 'OpenAI', group: 'llms', type: 'dynamiq.nodes.llms.OpenAI', model: 'nobody/knows-its-price' }, usage },
  })
}

export function usage(prompt, completion, costs = [prompt * 1.25e-6, completion * 5e-6]) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_cost_usd: costs[0],
    completion_tokens_cost_usd: costs[1],
    total_tokens_cost_usd: costs[0] + costs[1],
  }
}

/** A sequence of numbers in [0, 1) that is the same in every run. */
export function numbers(seed = 1) {
  let s = seed
  return () => {
    s = (s * 1664525 + 1013904223) % 4294967296
    return s / 4294967296
  }
}

/**
 * spread makes traces all over [from, to): each with a call of a model, some
 * of them failed, canceled, running or without a price.
 */
export function spread(from, to, count, seed = 1) {
  const next = numbers(seed)
  const out = []
  for (let i = 0; i < count; i++) {
    const at = from + Math.floor(((to - from) * i) / count) + Math.floor(next() * 60_000)
    const kind = next()
    const root = run(at, {
      ms: kind < 0.05 ? null : 200 + Math.floor(next() * 9000),
      status: kind < 0.05 ? undefined : kind < 0.2 ? 'failed' : kind < 0.28 ? 'canceled' : 'succeeded',
      ...(kind >= 0.05 && kind < 0.2 ? { output: null, error: { type: 'ValueError', message: 'no such city' } } : {}),
    })
    if (root.end_time === null) {
      delete root.status
      root.output = null
    }
    const tokens = [100 + Math.floor(next() * 900), Math.floor(next() * 300)]
    out.push(root, llm(root, next() < 0.1 ? { ...usage(...tokens), prompt_tokens_cost_usd: null, completion_tokens_cost_usd: null, total_tokens_cost_usd: null } : usage(...tokens)))
  }
  return out
}
