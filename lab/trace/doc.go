// Package trace holds the whole program against its message trace: what came in through SMTP is found at the API.
package trace
