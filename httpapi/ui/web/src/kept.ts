// Answers that outlive the component that asked for them, so that a tab shows
// at once what it showed last. What is kept is never taken for the present: a
// component that shows it asks the server again and puts the new answer in its
// place. Nothing is kept from one session to the next.
import { session } from './session'

/** A question that was asked ahead is joined for so long; later it is asked anew. */
const joined = 1000

interface Ahead<T> {
  answer: Promise<T>
  since: number
}

/** The last answers by key, the oldest forgotten first. */
export class Kept<T> {
  private readonly values = new Map<string, T>()
  private readonly ahead = new Map<string, Ahead<T>>()
  private age = 0

  constructor(
    private readonly most: number,
    private readonly clock: () => number = () => performance.now(),
  ) {
    session.state.subscribe(() => this.clear())
  }

  get(key: string): T | undefined {
    return this.values.get(key)
  }

  set(key: string, value: T): void {
    this.values.delete(key)
    this.values.set(key, value)
    if (this.values.size > this.most) this.values.delete(this.values.keys().next().value!)
  }

  /** warm asks before anything shows the answer: a pointer is on its way to the tab, or a key opens it. */
  warm(key: string, ask: () => Promise<T>): void {
    if (this.pending(key)) return
    const age = this.age
    const answer = ask()
    const a: Ahead<T> = { answer, since: this.clock() }
    this.ahead.set(key, a)
    const done = () => {
      if (this.ahead.get(key) === a) this.ahead.delete(key)
    }
    answer.then(
      (value) => {
        done()
        if (age === this.age) this.set(key, value)
      },
      done, // Whoever shows it asks again, and says what is wrong.
    )
  }

  /** take is the answer that warm has on its way, for the first that asks. */
  take(key: string): Promise<T> | null {
    const a = this.pending(key)
    this.ahead.delete(key)
    return a?.answer ?? null
  }

  private pending(key: string): Ahead<T> | undefined {
    const a = this.ahead.get(key)
    return a && this.clock() - a.since <= joined ? a : undefined
  }

  private clear(): void {
    this.age++
    this.values.clear()
    this.ahead.clear()
  }
}
