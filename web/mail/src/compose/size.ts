// How large a message becomes when it is written (ML-9): the sum of its parts as they are encoded, before anything was sent.

// LINE octets of a file become CODED octets of base64, with the end of its line (RFC 2045 §6.8).
const LINE = 57;
const CODED = 78;
const PART = 400; // octets of a part's own header, with names in two forms
const HEAD = 1200; // octets of the message's own header, with what the server adds
const RECIPIENT = 24; // octets around an address

// LIMIT is what a message may have where the server says nothing else.
export const LIMIT = 15 * 1024 * 1024;

// RECIPIENTS is how many a message may go to where the server says nothing else (ML-8).
export const RECIPIENTS = 1000;

// encoded is how many octets so many octets become.
export function encoded(octets: number): number {
  return Math.ceil(octets / LINE) * CODED;
}

const octets = (text: string) => new TextEncoder().encode(text).length;

export interface Measured {
  subject: string;
  recipients: { name: string | null; email: string }[];
  texts: string[];
  files: { name: string; size: number }[];
}

// encodedSize is how many octets a message will have, a little above rather than below.
export function encodedSize(m: Measured): number {
  const recipients = m.recipients.reduce((n, r) => n + RECIPIENT + r.email.length + encoded(octets(r.name ?? "")), 0);
  const texts = m.texts.reduce((n, text) => n + (text ? PART + encoded(octets(text.replace(/\r?\n/g, "\r\n"))) : 0), 0);
  const files = m.files.reduce((n, f) => n + PART + 4 * octets(f.name) + encoded(f.size), 0);
  return HEAD + encoded(octets(m.subject)) + recipients + texts + files;
}
