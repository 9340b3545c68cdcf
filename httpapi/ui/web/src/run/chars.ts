// Texts of users as they are: what would be invisible, or would change the
// order or the place of other characters, is shown as a mark with a name.

/** A piece of a text: as it is, or the name of one character (U+202E) that is shown by a mark. */
export interface Piece {
  text: string
  mark?: string
}

// C0 and C1 controls but tab and line feed; marks and overrides of direction;
// invisible separators and fillers; the byte order mark; tag characters; lone
// surrogates. Joiners (U+200C, U+200D) and variation selectors stay: emoji and
// scripts need them.
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/u
const ALL_HIDDEN = new RegExp(HIDDEN.source, 'gu')

// Their short names of ASCII; the pictures of U+2400 are in few fonts.
const C0 =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(' ')

const NAMES: Record<number, string> = {
  0x00: 'NULL',
  0x07: 'BELL',
  0x08: 'BACKSPACE',
  0x0d: 'CARRIAGE RETURN',
  0x1b: 'ESCAPE',
  0x7f: 'DELETE',
  0xad: 'SOFT HYPHEN',
  0x061c: 'ARABIC LETTER MARK',
  0x200b: 'ZERO WIDTH SPACE',
  0x200e: 'LEFT-TO-RIGHT MARK',
  0x200f: 'RIGHT-TO-LEFT MARK',
  0x2028: 'LINE SEPARATOR',
  0x2029: 'PARAGRAPH SEPARATOR',
  0x202a: 'LEFT-TO-RIGHT EMBEDDING',
  0x202b: 'RIGHT-TO-LEFT EMBEDDING',
  0x202c: 'POP DIRECTIONAL FORMATTING',
  0x202d: 'LEFT-TO-RIGHT OVERRIDE',
  0x202e: 'RIGHT-TO-LEFT OVERRIDE',
  0x2066: 'LEFT-TO-RIGHT ISOLATE',
  0x2067: 'RIGHT-TO-LEFT ISOLATE',
  0x2068: 'FIRST STRONG ISOLATE',
  0x2069: 'POP DIRECTIONAL ISOLATE',
  0xfeff: 'BYTE ORDER MARK',
}

/** Whether a text has characters that pieces would mark. */
export function hasHidden(text: string): boolean {
  return HIDDEN.test(text)
}

/** The pieces of a text, in order; a carriage return before a line feed stays. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = []
  let from = 0
  for (const found of text.matchAll(ALL_HIDDEN)) {
    if (found[0] === '\r' && text[found.index + 1] === '\n') continue
    if (found.index > from) out.push({ text: text.slice(from, found.index) })
    out.push(mark(found[0]))
    from = found.index + found[0].length
  }
  if (from < text.length) out.push({ text: text.slice(from) })
  return out
}

function mark(char: string): Piece {
  const code = char.codePointAt(0)!
  const name = 'U+' + code.toString(16).toUpperCase().padStart(4, '0')
  const shown = C0[code] ?? (code === 0x7f ? 'DEL' : name)
  return { text: shown, mark: NAMES[code] ? `${name} ${NAMES[code]}` : name }
}

/** A text on one line of at most max characters, hidden characters as their marks. */
export function oneLine(text: string, max = 200): string {
  const cut = text.length > max ? text.slice(0, max) + '…' : text
  return pieces(cut)
    .map((p) => p.text)
    .join('')
    .replace(/\s+/g, ' ')
    .trim()
}
