// What can be tested without a browser: how searches, addresses and files are read, and how sizes are reckoned.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plausible, readAddresses, readMailto, spread } from "../src/compose/address.ts";
import { LIMIT, encoded, encodedSize } from "../src/compose/size.ts";
import { isMbox, messagesOf, quoted } from "../src/offline/mbox.ts";
import { day, filterOf, octets, quoted as written, terms } from "../src/search/parse.ts";

const folders = (name: string) => ({ inbox: "M1", 受信トレイ: "M1", "見積 / 2026": "M7" })[name];

test("a search is taken apart", () => {
  for (const [text, want] of [
    ["見積書", [{ op: "", value: "見積書", not: false }]],
    ['from:佐藤 "二つ 語"', [{ op: "from", value: "佐藤", not: false }, { op: "", value: "二つ 語", not: false }]],
    ["差出人：sato　件名：見積", [{ op: "from", value: "sato", not: false }, { op: "subject", value: "見積", not: false }]],
    ["-has:attachment", [{ op: "has", value: "attachment", not: true }]],
    ['件名:「秋の 展示会」', [{ op: "subject", value: "秋の 展示会", not: false }]],
    ["http://a.example/x", [{ op: "", value: "http://a.example/x", not: false }]],
    ['to:"unclosed text', [{ op: "to", value: "unclosed text", not: false }]],
    ["  ", []],
  ] as const) assert.deepEqual(terms(text), want, text);
});

test("a search becomes a filter", () => {
  for (const [text, want] of [
    ["見積", { text: "見積" }],
    ["from:a to:b", { operator: "AND", conditions: [{ from: "a" }, { to: "b" }] }],
    ["あり:添付", { hasAttachment: true }],
    ["is:unread", { notKeyword: "$seen" }],
    ["状態:スター", { hasKeyword: "$flagged" }],
    ["フォルダ:受信トレイ", { inMailbox: "M1" }],
    ['in:"見積 / 2026"', { inMailbox: "M7" }],
    ["larger:2M", { minSize: 2097152 }],
    ["-from:x", { operator: "NOT", conditions: [{ from: "x" }] }],
    ["in:nowhere", { text: "in:nowhere" }],
    ["before:soon", { text: "before:soon" }],
  ] as const) assert.deepEqual(filterOf(text, folders, []), want, text);
  assert.deepEqual(filterOf("a", folders, ["T", "J"]), { operator: "AND", conditions: [{ text: "a" }, { inMailboxOtherThan: ["T", "J"] }] });
  assert.deepEqual(filterOf("in:inbox a", folders, ["T"]), { operator: "AND", conditions: [{ inMailbox: "M1" }, { text: "a" }] });
});

test("days and sizes of a search", () => {
  const now = new Date(2026, 10, 23, 12);
  for (const [text, want] of [["2026-11-01", [2026, 10, 1]], ["2026/1/2", [2026, 0, 2]], ["2026年11月3日", [2026, 10, 3]], ["11/5", [2026, 10, 5]], ["今日", [2026, 10, 23]], ["yesterday", [2026, 10, 22]], ["7d", [2026, 10, 16]], ["2週", [2026, 10, 9]]] as const) {
    assert.equal(day(text, now)?.getTime(), new Date(want[0], want[1], want[2]).getTime(), text);
  }
  for (const text of ["2026-13-01", "2/30", "soon", ""]) assert.equal(day(text, now), undefined, text);
  assert.deepEqual([octets("10"), octets("1.5k"), octets("3MB"), octets("x")], [10, 1536, 3145728, undefined]);
  assert.deepEqual(terms(`from:${written('佐藤 "一郎"')}`), [{ op: "from", value: "佐藤 一郎", not: false }]);
});

test("addresses as they are typed (DOMAIN §15)", () => {
  for (const [text, want] of [
    ["a@b.example", [["", "a@b.example"]]],
    ["佐藤 一郎 <sato@alpha.example>; b@c.example、d@e.example", [["佐藤 一郎", "sato@alpha.example"], ["", "b@c.example"], ["", "d@e.example"]]],
    ['"Carter, Emma" <emma@x.example>,', [["Carter, Emma", "emma@x.example"]]],
    ["ｓａｔｏ＠ａｌｐｈａ．example", [["", "sato@alpha.example"]]],
    ["a@b.example c@d.example", [["", "a@b.example"], ["", "c@d.example"]]],
    ["a..b@docomo.ne.jp", [["", "a..b@docomo.ne.jp"]]],
  ] as const) assert.deepEqual(readAddresses(text).map((r) => [r.name ?? "", r.email]), want, text);
  assert.deepEqual(readAddresses("nobody").map((r) => [r.email, r.wrong]), [["nobody", true]]);
  for (const bad of ["a@b", "@x.example", "a b@c.example", "a@b@c.example", ""]) assert.equal(plausible(bad), false, bad);
  const group = { name: "組", email: "", members: [{ name: null, email: "A@x.example" }, { name: null, email: "b@x.example" }] };
  assert.deepEqual(spread([group, { name: null, email: "a@X.example" }]).map((a) => a.email), ["A@x.example", "b@x.example"]);
});

test("a mailto: address (RFC 6068)", () => {
  const m = readMailto("mailto:a@b.example,c%40d.example?cc=e@f.example&subject=%E8%A6%8B%E7%A9%8D&body=x%0Ay");
  assert.deepEqual([m.to.map((r) => r.email), m.cc.map((r) => r.email), m.subject, m.text], [["a@b.example", "c@d.example"], ["e@f.example"], "見積", "x\ny"]);
  assert.equal(readMailto("mailto:%E0%A4%A").to[0]?.wrong, true);
});

test("ML-9: the size of a message before it is sent", () => {
  assert.equal(encoded(57), 78);
  assert.equal(encoded(58), 156);
  const of = (size: number) => encodedSize({ subject: "s", recipients: [{ name: null, email: "a@b.example" }], texts: ["x", ""], files: [{ name: "f", size }] });
  assert.ok(of(10 * 1024 * 1024) < LIMIT);
  assert.ok(of(11.5 * 1024 * 1024) > LIMIT);
});

test("mbox (RFC 4155)", () => {
  const bytes = (s: string) => new TextEncoder().encode(s);
  const text = (b: Uint8Array) => new TextDecoder().decode(b);
  const box = bytes("From a Mon Nov 23\nSubject: 1\n\nx\n>From here\n>>From there\nFrom no message\n\nFrom b Mon\r\nSubject: 2\r\n\r\ny\r\n");
  assert.deepEqual(messagesOf(box).map(text), ["Subject: 1\n\nx\nFrom here\n>From there\nFrom no message\n\n", "Subject: 2\r\n\r\ny\r\n"]);
  assert.deepEqual(messagesOf(bytes("")).length, 0);
  assert.equal(isMbox("x.MBOX", bytes("")), true);
  assert.equal(isMbox("x.eml", bytes("Subject: From a\n")), false);
  const mail = "Subject: 1\r\n\r\nFrom me\r\n>From you\r\nend";
  const [back] = messagesOf(new Uint8Array([...bytes("From x\n"), ...quoted(bytes(mail))]));
  assert.equal(text(back!), mail.replaceAll("\r\n", "\n") + "\n");
});
