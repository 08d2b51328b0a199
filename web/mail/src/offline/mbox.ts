// mbox: many messages in one file (RFC 4155).

const NEWLINE = 10;
const encoder = new TextEncoder();
const FROM = encoder.encode("From ");

// isMbox tells whether a file holds messages one after another, by its name or how it begins.
export function isMbox(name: string, octets: Uint8Array): boolean {
  return /\.mbo?x$/i.test(name) || FROM.every((c, i) => octets[i] === c);
}

// messagesOf takes an mbox apart: a line "From " after an empty one begins a message, and ">From " stands for "From ".
export function messagesOf(mbox: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  const begins = (i: number) => FROM.every((c, n) => mbox[i + n] === c);
  for (let i = 0; i >= 0 && i < mbox.length; i = next(mbox, i)) if (begins(i) && (i === 0 || blankBefore(mbox, i))) starts.push(i);
  if (starts.length === 0) return mbox.length ? [mbox] : [];
  return starts.map((at, n) => unquoted(mbox.subarray(next(mbox, at), starts[n + 1] ?? mbox.length)));
}

function next(octets: Uint8Array, from: number): number {
  const at = octets.indexOf(NEWLINE, from);
  return at < 0 ? octets.length : at + 1;
}

function blankBefore(octets: Uint8Array, i: number): boolean {
  const before = octets[i - 2] === 13 ? i - 3 : i - 2;
  return before < 0 || octets[before] === NEWLINE;
}

// unquoted takes the ">" away that was put before lines beginning with "From ".
function unquoted(octets: Uint8Array): Uint8Array {
  const out = new Uint8Array(octets.length);
  let n = 0;
  for (let i = 0; i < octets.length; ) {
    const end = next(octets, i);
    let quotes = 0;
    while (octets[i + quotes] === 0x3e) quotes++;
    const skip = quotes > 0 && FROM.every((c, k) => octets[i + quotes + k] === c) ? 1 : 0;
    out.set(octets.subarray(i + skip, end), n);
    n += end - i - skip;
    i = end;
  }
  return out.slice(0, n);
}

// quoted writes octets with single line feeds, and ">" before lines that would begin a message.
export function quoted(octets: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let i = 0; i < octets.length; ) {
    const end = next(octets, i);
    let quotes = 0;
    while (octets[i + quotes] === 0x3e) quotes++;
    if (FROM.every((c, k) => octets[i + quotes + k] === c)) out.push(0x3e);
    for (let k = i; k < end; k++) if (!(octets[k] === 13 && octets[k + 1] === NEWLINE)) out.push(octets[k]!);
    i = end;
  }
  if (out.at(-1) !== NEWLINE) out.push(NEWLINE);
  return Uint8Array.from(out);
}
