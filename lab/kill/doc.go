// Package kill ends the running platform with kill -9 under load, again and
// again, and then counts: every message that got its 250 is there once, octet
// for octet, and `tegami check` finds nothing wrong. Only a test lives here;
// TEGAMI_KILLS sets how often (default 4, `make kill` does 200).
package kill
