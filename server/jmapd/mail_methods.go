package jmapd

// mailMethods are the methods of RFC 8621 §2 to §5 of mailboxes, threads, emails and snippets.
func mailMethods() []entry { return nil }
