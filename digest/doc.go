// Package digest sends people the list of what came into their quarantine (SF-6): at the hours their domain's administrator chose, in the
// company's time zone, and only when something is new. Its links are signed and lead to a page; what the page's button asks for is done by
// Link.Do. To open a link does nothing, since programs that look for harmful links open them all.
//
// # Once
//
// What an account was told of is an entry of the account: the hour of its last digest and the newest message in it. It is written in the
// transaction that accepts the digest and compared there with what it was, so that of two processes one sends it, and a crash leaves both or
// nothing.
package digest
