// From what somebody wants to write to the draft that stands before him: an answer with its recipients and quote, a message passed
// on with what is attached, a draft taken up again.
import { t } from "@tegami/kit";
import type { Address, Email, Id, Identity } from "../jmap/types.ts";
import { refused } from "../jmap/client.ts";
import { full, subjectOf, written } from "../labels.ts";
import { bodyOf } from "../read/body.ts";
import { cleanHTML } from "../read/clean.ts";
import { mail, openMails } from "../state/mails.svelte.ts";
import { isMe, jmap, myIdentities, mySettings } from "../state/session.svelte.ts";
import { readMailto } from "./address.ts";
import { Draft, type File, type Kept } from "./draft.svelte.ts";
import type { Kind, Start } from "./start.svelte.ts";

// begin makes the draft of a wish.
export async function begin(start: Start): Promise<Draft> {
  const d = new Draft();
  d.format = mySettings().composeFormat ?? "text";
  d.identity = undefined;
  switch (start.kind) {
    case "new":
      Object.assign(d, { to: start.to ?? [], subject: start.subject ?? "", text: start.text ?? "" });
      if (start.text) d.format = "text";
      d.sign(myIdentities()[0]);
      return d;
    case "mailto": {
      const m = readMailto(start.url);
      Object.assign(d, { to: m.to, cc: m.cc, bcc: m.bcc, subject: m.subject, text: m.text });
      if (m.text) d.format = "text";
      d.sign(myIdentities()[0]);
      return d;
    }
    case "rescued":
      d.restore(start.kept as Kept);
      d.rescued = true;
      d.touch();
      return d;
    default: {
      const e = await opened(start.id);
      if (start.kind === "draft" || start.kind === "again") takeUp(d, e, start.kind === "again");
      else if (start.kind === "attach") attachMessage(d, e);
      else {
        answer(d, e, start.kind);
        await original(d, e);
      }
      await copied(d);
      return d;
    }
  }
}

async function opened(id: Id): Promise<Email> {
  await openMails([id]);
  const e = mail(id);
  if (!e) throw new Error(t("webmail.gone"));
  return e;
}

// identityFor is the identity that a message came to.
function identityFor(e: Email): Identity | undefined {
  const all = [...(e.to ?? []), ...(e.cc ?? []), ...(e.bcc ?? []), ...(e.from ?? [])].map((a) => a.email.toLowerCase());
  return myIdentities().find((i) => all.includes(i.email.toLowerCase())) ?? myIdentities()[0];
}

const unique = (list: Address[], without: Address[] = []): Address[] => {
  const seen = new Set(without.map((a) => a.email.toLowerCase()));
  return list.filter((a) => !seen.has(a.email.toLowerCase()) && seen.add(a.email.toLowerCase()));
};

// recipients are those an answer goes to (RFC 5322 §3.6.3).
function recipients(e: Email, all: boolean): { to: Address[]; cc: Address[] } {
  const from = e.replyTo?.length ? e.replyTo : (e.from ?? []);
  if (isMe(e.from?.[0]?.email)) return { to: unique(e.to ?? []), cc: all ? unique(e.cc ?? [], e.to ?? []) : [] };
  const to = unique(all ? [...from, ...(e.to ?? []).filter((a) => !isMe(a.email))] : from);
  return { to, cc: all ? unique((e.cc ?? []).filter((a) => !isMe(a.email)), to) : [] };
}

const prefixed = (prefix: string, subject: string, known: RegExp) => (known.test(subject) ? subject : `${prefix}${subject}`);

function answer(d: Draft, e: Email, kind: Kind): void {
  const body = bodyOf(e);
  const subject = e.subject?.trim() ?? "";
  if (kind === "forward") {
    d.subject = prefixed("Fwd: ", subject, /^(?:fwd?|転送)\s*[:：]/i);
    d.files = filesOf(e, !body.html || d.format === "text");
    const lines = [
      `---------- ${t("webmail.compose.forwarded")} ----------`, `${t("webmail.from")}: ${(e.from ?? []).map(written).join(", ")}`, `${t("webmail.date")}: ${full(e.sentAt ?? e.receivedAt)}`,
      `${t("webmail.subject")}: ${subjectOf(e)}`, `${t("webmail.to")}: ${(e.to ?? []).map(written).join(", ")}`, ...(e.cc?.length ? [`${t("webmail.cc")}: ${e.cc.map(written).join(", ")}`] : []),
    ];
    d.quote = { kind: "forward", lead: lines.join("\n"), html: body.html, text: body.text };
    d.source = { id: e.id, keyword: "$forwarded" };
  } else {
    Object.assign(d, recipients(e, kind === "all"));
    d.subject = prefixed("Re: ", subject, /^re\s*[:：]/i);
    const from = e.from?.[0];
    d.quote = { kind: "reply", lead: t("webmail.compose.wrote", full(e.sentAt ?? e.receivedAt), from ? written(from) : ""), html: body.html, text: body.text };
    d.inReplyTo = e.messageId ?? null;
    d.references = [...(e.references ?? e.inReplyTo ?? []), ...(e.messageId ?? [])];
    d.source = { id: e.id, keyword: "$answered" };
    d.files = d.format === "html" ? filesOf(e, false).filter((f) => f.cid) : [];
  }
  d.sign(identityFor(e));
}

// copied brings files of a colleague's message into one's own account.
async function copied(d: Draft): Promise<void> {
  const blobIds = d.files.map((f) => f.blobId).filter((id) => id !== undefined);
  if (jmap.account === jmap.own || !blobIds.length) return;
  const out = await jmap.one("Blob/copy", { fromAccountId: jmap.account, blobIds });
  const e = refused(out.notCopied);
  if (e) throw e;
  d.files = d.files.map((f) => ({ ...f, blobId: f.blobId && (out.copied?.[f.blobId] ?? f.blobId) }));
}

// original fetches the HTML of what is answered as it was sent: what is shown of it has its pictures within, and none from elsewhere.
async function original(d: Draft, e: Email): Promise<void> {
  if (d.format !== "html" || !d.quote?.html) return;
  const { list } = await jmap.one("Email/get", { ids: [e.id], properties: ["htmlBody", "bodyValues"], bodyProperties: ["partId", "type"], fetchHTMLBodyValues: true });
  const html = list[0] && bodyOf({ ...e, ...list[0], id: e.id }).html;
  if (html && d.quote) d.quote = { ...d.quote, sent: cleanHTML(html) };
}

// filesOf are a message's attachments, as they go along with another. all takes those too that the text shows.
function filesOf(e: Email, all: boolean): File[] {
  return (e.attachments ?? [])
    .filter((p) => p.blobId)
    .map((p) => ({ key: crypto.randomUUID(), name: p.name ?? t("webmail.unnamed"), type: p.type, size: p.size, blobId: p.blobId!, part: 1, cid: !all && p.disposition === "inline" && p.cid ? p.cid : undefined }));
}

function attachMessage(d: Draft, e: Email): void {
  d.subject = prefixed("Fwd: ", e.subject?.trim() ?? "", /^(?:fwd?|転送)\s*[:：]/i);
  d.files = [{ key: crypto.randomUUID(), name: `${subjectOf(e).slice(0, 80)}.eml`, type: "message/rfc822", size: e.size, blobId: e.blobId, part: 1 }];
  d.source = { id: e.id, keyword: "$forwarded" };
  d.sign(identityFor(e));
}

// takeUp goes on with a draft; again makes a new message of one that was sent.
function takeUp(d: Draft, e: Email, again: boolean): void {
  const body = bodyOf(e);
  const html = (e.htmlBody ?? []).some((p) => p.type === "text/html");
  d.format = html ? "html" : "text";
  Object.assign(d, { to: e.to ?? [], cc: e.cc ?? [], bcc: e.bcc ?? [], subject: e.subject ?? "", text: body.text, html: body.html, files: filesOf(e, !html) });
  d.identity = myIdentities().find((i) => i.email.toLowerCase() === e.from?.[0]?.email.toLowerCase()) ?? myIdentities()[0];
  d.receipt = !!e["header:Disposition-Notification-To:asAddresses"]?.length;
  d.urgent = e["header:X-Priority:asText"]?.trim().startsWith("1") ?? false;
  if (again) return;
  d.inReplyTo = e.inReplyTo ?? null;
  d.references = e.references ?? null;
  d.saved = e.id;
  d.saving = "saved";
}
