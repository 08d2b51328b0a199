// What is shown of a message: its parts put together as RFC 8621 §4.1.4 orders them.
import type { Email, Part } from "../jmap/types.ts";
import { parsed } from "./realm.ts";

export interface Shown {
  html: string; // "" where there is none
  text: string;
  blocked: number; // pictures from elsewhere that were left out
  truncated: boolean;
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

// escaped writes a text so that HTML shows it as it is.
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => entities[c]!);

// textAsHTML writes a plain text as HTML that looks like it.
export const textAsHTML = (text: string): string => `<div style="white-space: pre-wrap">${escaped(text)}</div>`;

// htmlAsText gives what a reader of HTML reads, as a plain text.
export function htmlAsText(html: string): string {
  const doc = parsed(html);
  doc.querySelectorAll("style, script, head, title").forEach((e) => e.remove());
  const blocks = "p, div, br, li, tr, h1, h2, h3, h4, h5, h6, blockquote, pre, table, hr";
  const out: string[] = [];
  const line = () => { if (out.length && !out.at(-1)!.endsWith("\n")) out.push("\n"); };
  const walk = (node: Node, depth: number): void => {
    if (node.nodeType === Node.TEXT_NODE) out.push((node.nodeValue ?? "").replace(/[ \t\r\n]+/g, " "));
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const e = node as Element;
    if (e.tagName === "BR") return void out.push("\n");
    if (e.tagName === "LI") { line(); out.push("- "); }
    const block = e.matches(blocks);
    if (block) line();
    if (depth < 200) node.childNodes.forEach((n) => walk(n, depth + 1));
    if (block) line();
    if (e.tagName === "P") out.push("\n");
  };
  walk(doc.body, 0);
  return out.join("").replace(/ *\n */g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}

// bodyOf puts the parts of an opened message together.
export function bodyOf(e: Email): Shown {
  const values = e.bodyValues ?? {};
  const value = (p: Part) => values[p.partId ?? ""]?.value ?? "";
  const html = (e.htmlBody ?? []).some((p) => p.type === "text/html") ? (e.htmlBody ?? []).map((p) => (p.type === "text/html" ? value(p) : p.type.startsWith("text/") ? textAsHTML(value(p)) : "")).join("\n") : "";
  const plain = (e.textBody ?? []).filter((p) => p.type.startsWith("text/"));
  const text = plain.map((p) => (p.type === "text/html" ? htmlAsText(value(p)) : value(p))).join("\n\n");
  return {
    html, text,
    blocked: (e.htmlBody ?? []).reduce((n, p) => n + (values[p.partId ?? ""]?.blockedPictures ?? 0), 0),
    truncated: Object.values(values).some((v) => v.isTruncated),
  };
}
