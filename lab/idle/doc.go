// Package idle measures what waiting clients cost, and how soon they hear of mail: the time from SMTP's 250 to the untagged EXISTS
// (TEGAMI_IDLE_MAILS: how many, TEGAMI_IDLE_OTHERS: how many others wait meanwhile), and the server's memory while many
// are connected (TEGAMI_IDLE_CONNECTIONS, TEGAMI_IDLE_TLS for TLS). `make idle` takes the figures of docs/benchmarks.md;
// without these variables everything is small, and only whether it works is tested. Only tests live here.
package idle
