// Package dialog runs dialogs with servers, written as files that anybody can read:
//
//	# RFC 9051 §6.3.12
//	S: * OK …
//	C: a1 LOGIN ${user} ${password}
//	S~ a1 OK .*
//	LITERAL mail
//	Subject: hello
//
//	text
//	END
//	C: a2 APPEND INBOX {${mail.len}}
//	S: + …
//	C: ${mail}
//	S~ a2 OK \[APPENDUID \d+ (?P<uid>\d+)\] .*
//	C: a3 UID FETCH ${uid} (UID FLAGS)
//	S: * 1 FETCH (UID ${uid} FLAGS ())
//	S* \* .*
//	S: a3 OK …
//	C: a4 LOGOUT
//	S* \* .*
//	S: a4 OK …
//	CLOSED
//
// # Lines
//
// Each line is one instruction; a word, then what it needs. Blank lines and lines that begin with # are
// skipped. A line the package does not know is an error.
//
//	C: text          send text and CRLF
//	C- text          send text without CRLF
//	C{ n } text      send exactly n octets, text over and over (x where there is none), without CRLF
//	S: text          the next line is text; with … at the end, it begins so
//	S~ regexp        the next line, all of it, matches; named groups become variables
//	S* regexp        zero or more lines match, until one is what the next S: or S~ expects; empty: any line
//	S{ n } text      the next n octets are text over and over; without text, any octets
//	CLOSED           the server closes the connection, having sent nothing more
//	CLOSE            we close it
//	STARTTLS         TLS handshake as client; the certificate is not verified
//	DEFLATE          from here on the connection is compressed (RFC 4978)
//	PLAIN            and from here on no more
//	CONNECT name     speak on this connection from here on, opening it at first use
//	CONNECT name a   the same, to the address a; with "tls" behind it, TLS from the first octet
//	WAIT duration    sleep, such as 50ms
//	SET name text    make a variable
//	LITERAL name     the lines up to END, each with CRLF, become ${name}, their octets ${name.len}
//
// A dialog without CONNECT speaks on one connection, open from the start.
//
// # Variables
//
// ${name} is replaced in every text and regexp, where it stands for itself. A text that has CRLF
// within sends, or expects, that many lines. Beside names, braces take
//
//	${base64:text}   text in base64, where \0 is NUL: ${base64:\0user\0secret}
//	${hex:c3a9}      octets
//
// Whatever the server sends must end in CRLF and come within ReadTimeout.
package dialog
