// Package kill treats the running platform badly and then counts. kill -9 under load, again and again: every
// message that got its 250 is there once, octet for octet, and `tegami check` finds nothing wrong
// (TEGAMI_KILLS sets how often; default 4, `make kill` does 200). A full disk: refusals for now, nothing lost, and it goes
// on by itself when there is room. Only tests live here.
package kill
