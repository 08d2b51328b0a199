// imapflow goes through an account: node check.mjs HOST PORT USER PASSWORD CA
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';

const [host, port, user, pass, ca] = process.argv.slice(2);
const options = { host, port: Number(port), secure: true, tls: { ca: readFileSync(ca), servername: 'localhost' }, auth: { user, pass }, logger: false };
const client = new ImapFlow(options);
await client.connect();

const tree = await client.list({ statusQuery: { messages: true, unseen: true } });
assert.ok(tree.some((b) => b.specialUse === '\\Sent'), 'no mailbox for sent mail');
assert.ok((await client.mailboxCreate(['Flow', '会議'])).created);

const mail = (n) => `Subject: =?UTF-8?B?${Buffer.from(`会議 ${n}`).toString('base64')}?=\r\nFrom: a@example.org\r\nMessage-ID: <${n}@flow>\r\n\r\n本文 ${n}\r\n`;
for (let n = 1; n <= 10; n++) {
	const put = await client.append('Flow/会議', mail(n), n % 2 ? ['\\Seen'] : [], new Date());
	assert.ok(put.uid > 0);
}

let lock = await client.getMailboxLock('Flow/会議');
assert.equal(client.mailbox.exists, 10);
const before = client.mailbox.highestModseq;
assert.ok(before > 0n, 'no MODSEQ');
assert.equal((await client.search({ seen: false }, { uid: true })).length, 5);
assert.equal((await client.search({ subject: '会議' }, { uid: true })).length, 10);
assert.equal((await client.search({ body: '本文 7' }, { uid: true })).length, 1);
for await (const m of client.fetch('1:*', { uid: true, flags: true, envelope: true, bodyStructure: true, source: true, threadId: true })) {
	assert.equal(m.envelope.subject, `会議 ${m.seq}`);
	assert.equal(m.source.toString(), mail(m.seq));
	assert.ok(m.emailId, 'no OBJECTID');
}
await client.messageFlagsAdd('1:3', ['\\Flagged']);
const changed = [];
for await (const m of client.fetch('1:*', { flags: true, uid: true }, { changedSince: before })) changed.push(m.seq);
assert.deepEqual(changed, [1, 2, 3]);
const { content } = await client.download('4', '1');
let text = '';
for await (const chunk of content) text += chunk;
assert.equal(text, '本文 4\r\n');
assert.equal((await client.messageMove('1:2', 'INBOX')).uidMap.size, 2);
await client.messageDelete('1');
assert.equal(client.mailbox.exists, 7);
lock.release();

// Another session's mail comes while this one idles.
await client.mailboxOpen('INBOX');
const heard = new Promise((resolve) => client.once('exists', resolve));
const other = new ImapFlow(options);
await other.connect();
const idling = client.idle();
await other.append('INBOX', mail(99));
await Promise.race([heard, new Promise((_, no) => setTimeout(() => no(new Error('nothing was told in 20 s')), 20000).unref())]);
await other.logout();
await client.noop();
await idling;

const quota = await client.getQuota('INBOX');
assert.ok(quota.storage.limit > 0);
await client.mailboxDelete('Flow/会議');
await client.logout();
console.log('done');
