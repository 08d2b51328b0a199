// Package trace answers where a message is and what became of it (CP-8). The facts are the queue's items, which stay when they
// are settled: who sent from where, what was known of the message, what became of each recipient, and what other hosts said.
//
// # Finding
//
// An index beside the mail (store.Traces) says which items have which words: addresses, domains, ids, hosts, and the grams of
// subjects. It is written behind the accepting of mail, by Service.Run, and knows only what does not change. What may change,
// such as the result, is looked at on the item itself, and so are the newest items, which the index does not have yet. So a
// search finds all there is.
//
// # Figures
//
// The same worker counts recipients by hour, direction and result. An item that is not settled yet is looked at again until it is.
//
// # The end
//
// Items are removed after Config.Keep, in small portions, and the index with them.
package trace
