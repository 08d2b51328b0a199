// Package clients lets real mail programs from Debian use the running platform: swaks
// and msmtp send, curl, fetchmail and mbsync read and synchronise. Only tests live here; each skips,
// saying so, where its program is not installed (`make test` installs them where it may).
package clients
