// Package deflate is the compression of conversations (RFC 1951, as RFC 4978 uses it): streams without
// end, in which each side flushes after what it says and then may be silent for an hour.
//
// compress/flate reads files well and conversations badly: it keeps back what a partial flush ended, it can't go
// on after a read deadline, and it holds its buffers while nothing comes. The Reader here gives all
// that can be known from what came, may be interrupted anywhere, and keeps only what was said so far, 32 KiB at
// most, while it waits. The Writer borrows a compressor of compress/flate while there is something to say.
package deflate
