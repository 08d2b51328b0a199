// A message that is being written: what it has, how it is kept, and what it becomes.
import { sayLoss, size as sized, t } from "@tegami/kit";
import { upload, type Upload } from "../jmap/blobs.ts";
import { refused } from "../jmap/client.ts";
import type { Address, Id, Identity, Part } from "../jmap/types.ts";
import { dropDraft, keepDraft } from "../offline/store.ts";
import { htmlAsText, textAsHTML } from "../read/body.ts";
import { parsed } from "../read/realm.ts";
import { told } from "../state/acts.ts";
import { ownBox } from "../state/own.ts";
import { company, jmap, me, myIdentities, mySettings } from "../state/session.svelte.ts";
import { during } from "../state/sync.svelte.ts";
import { spread, type Recipient } from "./address.ts";
import { LIMIT, RECIPIENTS, encodedSize } from "./size.ts";

export type Format = "text" | "html";

// File is something attached: on its way up, or there.
export interface File {
  key: string;
  name: string;
  type: string;
  size: number; // octets
  blobId?: Id;
  part: number; // of it that went up, 0 to 1
  cid?: string; // stands in the text
  error?: string;
}

// Quote is the original below what is written. It isn't edited.
export interface Quote {
  lead: string; // "On … wrote:"
  html: string; // as it is shown; "" where the original is a plain text
  sent?: string; // as it goes out: with its pictures by cid
  text: string;
  kind: "reply" | "forward";
}

// Kept is a draft as this browser keeps it while the server doesn't have it.
export interface Kept {
  key: string;
  saved?: Id;
  identity: Id;
  to: Recipient[];
  cc: Recipient[];
  bcc: Recipient[];
  subject: string;
  format: Format;
  text: string;
  html: string;
  quote?: Quote;
  files: File[];
  inReplyTo: string[] | null;
  references: string[] | null;
  source?: Source;
  receipt: boolean;
  urgent: boolean;
}

// Source is what a message answers or passes on: it is marked when this one went out.
export interface Source {
  id: Id;
  keyword: "$answered" | "$forwarded";
}

const SAVE = 4000; // milliseconds after the last change until the server has it
const EMPTY_LINE = "<div><br></div>";
const KEEP = 500; // milliseconds until this browser has it

export class Draft {
  key = crypto.randomUUID() as string;
  identity = $state.raw<Identity | undefined>();
  to = $state.raw<Recipient[]>([]);
  cc = $state.raw<Recipient[]>([]);
  bcc = $state.raw<Recipient[]>([]);
  subject = $state("");
  format = $state<Format>("text");
  text = $state("");
  html = $state("");
  quote = $state.raw<Quote | undefined>();
  files = $state.raw<File[]>([]);
  receipt = $state(false);
  urgent = $state(false);
  saving = $state<"" | "saving" | "saved" | "failed">("");
  sending = $state(false);
  rescued = $state(false);
  inReplyTo: string[] | null = null;
  references: string[] | null = null;
  source?: Source;
  saved?: Id; // the draft on the server
  changed = false; // since it was saved

  private uploads = new Map<string, Upload>();
  private timer?: ReturnType<typeof setTimeout>;
  private keeper?: ReturnType<typeof setTimeout>;
  private work: Promise<unknown> = Promise.resolve();
  private closed = false;
  private release?: () => void;

  constructor() {
    // While the window is open, another tab doesn't take what it holds for lost.
    void navigator.locks?.request(`tegami-draft-${this.key}`, () => new Promise<void>((end) => (this.release = end)));
  }

  get limit(): number {
    return company().maxSize || LIMIT;
  }
  get most(): number {
    return company().maxRecipients || RECIPIENTS;
  }
  get recipients(): Address[] {
    return spread([...this.to, ...this.cc, ...this.bcc]);
  }
  get wrong(): Recipient[] {
    return [...this.to, ...this.cc, ...this.bcc].filter((r) => r.wrong);
  }
  get uploading(): boolean {
    return this.files.some((f) => !f.blobId && !f.error);
  }
  get empty(): boolean {
    return !this.recipients.length && !this.wrong.length && !this.subject.trim() && !this.files.length && !this.quote && !this.written.replace(this.signature, "").trim();
  }
  get written(): string {
    return this.format === "html" ? htmlAsText(this.html) : this.text;
  }
  get signature(): string {
    return this.identity?.textSignature ?? "";
  }

  // signedBelow tells that the signature stands below what is quoted, and isn't written into the text.
  get signedBelow(): boolean {
    return !!this.quote && mySettings().signaturePlace === "below";
  }

  // size is how many octets the message will have as it stands (ML-9).
  get size(): number {
    const texts = this.bodies();
    return encodedSize({
      subject: this.subject, recipients: spread([...this.to, ...this.cc]), texts: [texts.text, texts.html ?? ""], files: this.files.filter((f) => !f.error),
    });
  }

  // touch tells that something was changed: it is kept here soon, and on the server a little later.
  touch(): void {
    this.changed = true;
    clearTimeout(this.keeper);
    this.keeper = setTimeout(() => void keepDraft(this.kept()), KEEP);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save().catch(() => undefined), SAVE);
  }

  // keep puts it into this browser's store now: the page is about to go.
  keep(): void {
    if (this.changed && !this.empty) void keepDraft(this.kept());
  }

  kept(): Kept {
    const { key, saved, to, cc, bcc, subject, format, text, html, quote, inReplyTo, references, source, receipt, urgent } = this;
    return { key, saved, identity: this.identity?.id ?? "", to, cc, bcc, subject, format, text, html, quote, files: this.files.filter((f) => f.blobId), inReplyTo, references, source, receipt, urgent };
  }

  restore(k: Kept): void {
    const { saved, to, cc, bcc, subject, format, text, html, quote, files, inReplyTo, references, source, receipt, urgent } = k;
    Object.assign(this, { saved, to, cc, bcc, subject, format, text, html, quote, files, inReplyTo, references, source, receipt, urgent });
    this.identity = myIdentities().find((i) => i.id === k.identity) ?? myIdentities()[0];
  }

  // attach takes files up. What would make the message too large isn't sent at all, and says so at once (ML-9).
  attach(list: Iterable<Blob & { name?: string }>, inline = false): File[] {
    const added: File[] = [];
    for (const file of list) {
      const key = crypto.randomUUID() as string;
      const name = (file.name || `${t("webmail.compose.picture")}.${file.type.split("/")[1] ?? "bin"}`).normalize("NFC");
      const f: File = { key, name, type: file.type || "application/octet-stream", size: file.size, part: 0, cid: inline ? `${key}@tegami` : undefined };
      this.files = [...this.files, f];
      const over = this.size - this.limit;
      if (over > 0) {
        this.change(key, { error: t("webmail.compose.too_large", name, sized(this.limit), sized(over)) });
        continue;
      }
      added.push(f);
      this.send(f, file);
    }
    this.touch();
    return added;
  }

  private send(f: File, file: Blob): void {
    const going = upload(jmap, file, (part) => this.change(f.key, { part }));
    this.uploads.set(f.key, going);
    going.done.then(
      (done) => {
        this.change(f.key, { blobId: done.blobId, part: 1 });
        this.touch();
      },
      (e: unknown) => this.change(f.key, { error: t("webmail.compose.upload_failed", f.name, told(e)) }),
    ).finally(() => this.uploads.delete(f.key));
  }

  private change(key: string, to: Partial<File>): void {
    this.files = this.files.map((f) => (f.key === key ? { ...f, ...to } : f));
  }

  detach(key: string): void {
    this.uploads.get(key)?.stop();
    this.files = this.files.filter((f) => f.key !== key);
    this.touch();
  }

  // bodies are the texts as they go out: with the quote below.
  bodies(): { text: string; html?: string } {
    const q = this.quote;
    const text = this.written;
    const signature = this.signedBelow && this.identity?.textSignature ? `\n\n${signed(this.identity.textSignature)}` : "";
    const quoted = q ? (q.kind === "reply" ? `\n\n${q.lead}\n${q.text.split("\n").map((l) => (l.startsWith(">") ? ">" + l : l ? "> " + l : ">")).join("\n")}` : `\n\n${q.lead}\n\n${q.text}`) : "";
    if (this.format === "text") return { text: text + quoted + signature };
    const original = q && (q.sent || q.html || textAsHTML(q.text));
    const below = q ? `<br>${textAsHTML(q.lead)}${q.kind === "reply" ? `<blockquote type="cite" style="margin: 0 0 0 4px; padding-left: 12px; border-left: 2px solid #b9b2a7">${original}</blockquote>` : original}` : "";
    return { text: text + quoted + signature, html: `<html><body>${this.html}${below}${signature && `<br>${this.identity?.htmlSignature || textAsHTML(signature.trim())}`}</body></html>` };
  }

  // email is the message as JMAP makes it (RFC 8621 §4.6).
  email(mailbox: Id): object {
    const { text, html } = this.bodies();
    const from = { name: this.identity?.name || null, email: this.identity?.email ?? me().address };
    const list = (r: Recipient[]) => (r.length ? spread(r.filter((x) => !x.wrong)) : undefined);
    return {
      mailboxIds: { [mailbox]: true }, keywords: { $draft: true, $seen: true }, from: [from], to: list(this.to), cc: list(this.cc), bcc: list(this.bcc),
      replyTo: this.identity?.replyTo ?? undefined, subject: this.subject, inReplyTo: this.inReplyTo ?? undefined, references: this.references ?? undefined,
      textBody: [{ partId: "text", type: "text/plain" }],
      ...(html === undefined ? {} : { htmlBody: [{ partId: "html", type: "text/html" }] }),
      bodyValues: { text: { value: text }, ...(html === undefined ? {} : { html: { value: html } }) },
      attachments: this.files.filter((f) => f.blobId).map((f) => ({ blobId: f.blobId, type: f.type, name: f.name, disposition: f.cid ? "inline" : "attachment", cid: f.cid ?? null }) satisfies Partial<Part>),
      ...(this.receipt ? { "header:Disposition-Notification-To:asAddresses": [from] } : {}),
      ...(this.urgent ? { "header:X-Priority:asText": "1" } : {}),
    };
  }

  // save keeps the draft on the server: a new message, and the one before it goes when that stands.
  save(): Promise<void> {
    const done = this.work.then(() => this.saveNow());
    this.work = done.catch(() => undefined);
    return done;
  }

  private async saveNow(): Promise<void> {
    if (this.closed || !this.changed || this.empty) return;
    this.saving = "saving";
    this.changed = false;
    const before = this.saved;
    try {
      const drafts = await ownBox("drafts");
      const out = await during(jmap.one("Email/set", { create: { draft: this.email(drafts) } }, undefined, jmap.own));
      const e = refused(out.notCreated);
      if (e) throw e;
      this.saved = out.created!.draft!.id;
      if (before) await during(jmap.one("Email/set", { destroy: [before] }, undefined, jmap.own));
      this.saving = "saved";
      if (!this.changed) {
        clearTimeout(this.keeper);
        await dropDraft(this.key);
      }
    } catch (e) {
      this.changed = true;
      this.saving = "failed";
      throw e;
    }
  }

  // settled waits until what is being saved is saved, and stops further saving.
  async settled(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.keeper);
    await this.work;
  }

  // discard throws the draft away, here and on the server.
  async discard(): Promise<void> {
    await this.settled();
    this.end();
    const id = this.saved;
    if (id) await during(jmap.one("Email/set", { destroy: [id] }, undefined, jmap.own)).catch((e: unknown) => sayLoss(told(e)));
  }

  // end gives up what the window held.
  end(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.keeper);
    for (const u of this.uploads.values()) u.stop();
    this.release?.();
    void dropDraft(this.key);
  }

  // revive opens it again after it was taken back from being sent.
  revive(saved: Id): void {
    this.closed = false;
    this.saved = saved;
    this.sending = false;
  }

  // sign puts the signature of another identity in the place of the present one's.
  sign(to: Identity | undefined): void {
    const before = this.identity;
    this.identity = to;
    if (this.signedBelow) return;
    if (this.format === "text") {
      const old = before?.textSignature ? `\n\n${signed(before.textSignature)}` : "";
      const now = to?.textSignature ? `\n\n${signed(to.textSignature)}` : "";
      if (old && this.text.includes(old)) this.text = this.text.replace(old, () => now);
      else if (now) this.text += now;
      return;
    }
    const box = parsed(this.html).body;
    box.querySelectorAll(".tegami-signature").forEach((e) => e.remove());
    const html = to?.htmlSignature || (to?.textSignature ? textAsHTML(to.textSignature) : "");
    this.html = (box.innerHTML || EMPTY_LINE + EMPTY_LINE) + (html ? `<div class="tegami-signature">${html}</div>` : "");
  }

  // turn changes between plain text and HTML.
  turn(to: Format): void {
    if (to === this.format) return;
    if (to === "html") this.html = this.text.split("\n").map((l) => `<div>${l ? textAsHTML(l).replace(/^<div[^>]*>|<\/div>$/g, "") : "<br>"}</div>`).join("");
    else this.text = htmlAsText(this.html);
    this.format = to;
    this.touch();
  }
}

// signed puts the mark before a signature that mail software knows it by (RFC 3676 §4.3).
export const signed = (signature: string): string => (signature.startsWith("-- ") ? signature : `-- \n${signature}`);
