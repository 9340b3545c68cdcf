// The list of keys.
import { Dialog } from '../ui/dialog'

const keys: [string, string][] = [
  ['?', 'This list'],
  ['1 / 2', 'Monitoring / Traces'],
  ['r', 'Refresh now'],
  ['/', 'Go to the filters'],
  ['j k or ↓ ↑', 'Next and previous trace'],
  ['Enter', 'Open the run tree of the trace'],
  ['e', 'Show input and output whole, in place'],
  ['d', 'Download the trace'],
  ['n p', 'Next and previous page'],
  ['← →', 'On a chart: previous and next bar; Enter opens its traces'],
  ['← →', 'In a run tree: close and open a run; Enter goes to its details'],
  ['+ - 0', 'In a graph or a timeline: closer, further, all of it'],
  ['Esc', 'Close what is open'],
]

export function Help({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl class="keys">
        {keys.map(([k, what]) => (
          <div key={k}>
            <dt>
              {k.split(' ').map((part, i) => (/^(or|\/)$/.test(part) && k.length > 1 ? <span key={i}> {part} </span> : <kbd key={i}>{part}</kbd>))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
