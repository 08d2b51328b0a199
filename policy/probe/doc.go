// Package probe gathers the facts a message is judged by: whatever must ask somebody
// else. Each probe runs under one deadline, and what it could not find out is a fact too.
package probe
