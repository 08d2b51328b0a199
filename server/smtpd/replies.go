package smtpd

import "tegami/wire/smtp"

// say is one thing the door says.
type say uint8

// Everything the door says, but for the greeting, the answer to EHLO and challenges.
const (
	sayOK say = iota
	sayBye
	sayHelp
	sayReset
	sayVerify
	sayMailOK
	sayRcptOK
	sayGoAhead
	sayAccepted
	sayChunk
	sayStartTLS
	saySignedIn

	// The session ends.
	sayClosing
	saySignedOut
	sayIdle
	sayTooManyErrors
	sayTooManyCommands
	sayTooManyConnections
	sayEarly
	sayRefusedPeer
	sayBusyPeer
	sayBroken

	// Commands that make no sense.
	sayUnknown
	sayLineTooLong
	sayLineEnd
	saySyntax
	sayBadArgument
	sayUnknownParam
	sayBadParam
	sayNoArgument
	sayBadHelo
	sayNotImplemented
	sayHelloFirst
	sayMailFirst
	sayRcptFirst
	sayNested
	sayChunking
	sayUseBdat
	sayTLSAlready
	sayNoTLS

	// Authentication.
	sayAuthFirst
	sayTLSFirst
	sayAuthNeedsTLS
	sayAuthAlready
	sayAuthInMail
	sayNoAuth
	sayMechanism
	sayAuthFailed
	sayAuthCancelled
	sayAuthMalformed
	sayAuthTooLong
	sayAuthLater
	sayAccountDisabled

	// Mail that is refused.
	sayBadSender
	sayBadRecipient
	sayNeedsUTF8
	sayNoSuchUser
	sayBoxFull
	sayBoxDisabled
	saySenderFull
	sayTooManyRecipients
	sayTooBig
	sayBareNewline
	saySenderNotYours
	sayPostingDenied
	sayDMARC
	saySendingStopped
	sayHoldTooLong
	sayRelayDenied
	sayLoop
	sayStorageFull
	sayDenied
	sayInvalid
	sayLater
	sayBusy
	sayLimit
	sayVirus
	sayUnchecked
	sayComeAgain

	says // how many there are
)

// replies are the texts. Each begins with what happened; codes are of RFC 5321
// §4.2.3, RFC 3463, RFC 4954 §6 and the IANA registry of enhanced status codes.
var replies = [says]smtp.Reply{
	sayOK:       smtp.R(250, [3]int{2, 0, 0}, "OK"),
	sayBye:      smtp.R(221, [3]int{2, 0, 0}, "Closing the connection"),
	sayHelp:     smtp.R(214, [3]int{2, 0, 0}, "Commands: HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH; see RFC 5321"),
	sayReset:    smtp.R(250, [3]int{2, 0, 0}, "Transaction forgotten"),
	sayVerify:   smtp.R(252, [3]int{2, 5, 2}, "Users are not told; send the message and see"),
	sayMailOK:   smtp.R(250, [3]int{2, 1, 0}, "Sender OK"),
	sayRcptOK:   smtp.R(250, [3]int{2, 1, 5}, "Recipient OK"),
	sayGoAhead:  smtp.R(354, [3]int{}, "Send the message, end with <CRLF>.<CRLF>"),
	sayAccepted: smtp.R(250, [3]int{2, 0, 0}, "Message accepted"),
	sayChunk:    smtp.R(250, [3]int{2, 0, 0}, "Chunk received"),
	sayStartTLS: smtp.R(220, [3]int{2, 0, 0}, "Ready to start TLS"),
	saySignedIn: smtp.R(235, [3]int{2, 7, 0}, "Authentication succeeded"),

	sayClosing:            smtp.R(421, [3]int{4, 3, 2}, "Server is going down, closing the connection"),
	saySignedOut:          smtp.R(421, [3]int{4, 7, 0}, "Your sign-in is no longer valid, closing the connection"),
	sayIdle:               smtp.R(421, [3]int{4, 4, 2}, "Waited too long, closing the connection"),
	sayTooManyErrors:      smtp.R(421, [3]int{4, 7, 0}, "Too many errors, closing the connection"),
	sayTooManyCommands:    smtp.R(421, [3]int{4, 7, 0}, "Too many commands without a message, closing the connection"),
	sayTooManyConnections: smtp.R(421, [3]int{4, 3, 2}, "Too many connections, try again later"),
	sayEarly:              smtp.R(554, [3]int{5, 5, 1}, "You talked before the greeting, closing the connection"),
	sayRefusedPeer:        smtp.R(554, [3]int{5, 7, 1}, "Connection refused"),
	sayBusyPeer:           smtp.R(421, [3]int{4, 3, 2}, "Server is busy, try again later"),
	sayBroken:             smtp.R(421, [3]int{4, 3, 0}, "Internal error, closing the connection"),

	sayUnknown:        smtp.R(500, [3]int{5, 5, 1}, "Command not recognised"),
	sayLineTooLong:    smtp.R(500, [3]int{5, 5, 2}, "Line too long"),
	sayLineEnd:        smtp.R(500, [3]int{5, 5, 2}, "Line does not end with CRLF"),
	saySyntax:         smtp.R(501, [3]int{5, 5, 2}, "Syntax error"),
	sayBadArgument:    smtp.R(501, [3]int{5, 5, 4}, "Argument makes no sense"),
	sayUnknownParam:   smtp.R(555, [3]int{5, 5, 4}, "Parameter not recognised"),
	sayBadParam:       smtp.R(501, [3]int{5, 5, 4}, "Parameter has a wrong value, or is there twice"),
	sayNoArgument:     smtp.R(501, [3]int{5, 5, 4}, "Command takes no argument"),
	sayBadHelo:        smtp.R(501, [3]int{5, 5, 4}, "Name is no domain and no address literal"),
	sayNotImplemented: smtp.R(502, [3]int{5, 5, 1}, "Command not implemented"),
	sayHelloFirst:     smtp.R(503, [3]int{5, 5, 1}, "Out of order: say EHLO first"),
	sayMailFirst:      smtp.R(503, [3]int{5, 5, 1}, "Out of order: give MAIL first"),
	sayRcptFirst:      smtp.R(503, [3]int{5, 5, 1}, "Out of order: no valid recipients"),
	sayNested:         smtp.R(503, [3]int{5, 5, 1}, "Out of order: a transaction is open"),
	sayChunking:       smtp.R(503, [3]int{5, 5, 1}, "Out of order: the message is being sent by BDAT"),
	sayUseBdat:        smtp.R(503, [3]int{5, 5, 1}, "Out of order: BODY=BINARYMIME needs BDAT"),
	sayTLSAlready:     smtp.R(503, [3]int{5, 5, 1}, "Out of order: TLS is active already"),
	sayNoTLS:          smtp.R(502, [3]int{5, 5, 1}, "Command not implemented: there is no TLS here"),

	sayAuthFirst:       smtp.R(530, [3]int{5, 7, 0}, "Authentication required"),
	sayTLSFirst:        smtp.R(530, [3]int{5, 7, 0}, "Encryption required: give STARTTLS first"),
	sayAuthNeedsTLS:    smtp.R(538, [3]int{5, 7, 11}, "Encryption required for authentication"),
	sayAuthAlready:     smtp.R(503, [3]int{5, 5, 1}, "Out of order: authenticated already"),
	sayAuthInMail:      smtp.R(503, [3]int{5, 5, 1}, "Out of order: no AUTH within a transaction"),
	sayNoAuth:          smtp.R(502, [3]int{5, 5, 1}, "Command not implemented: there is no authentication here"),
	sayMechanism:       smtp.R(504, [3]int{5, 5, 4}, "Mechanism not recognised"),
	sayAuthFailed:      smtp.R(535, [3]int{5, 7, 8}, "Authentication failed: user name or password is wrong"),
	sayAuthCancelled:   smtp.R(501, [3]int{5, 7, 0}, "Authentication cancelled"),
	sayAuthMalformed:   smtp.R(501, [3]int{5, 5, 2}, "Authentication message makes no sense"),
	sayAuthTooLong:     smtp.R(500, [3]int{5, 5, 6}, "Authentication message too long"),
	sayAuthLater:       smtp.R(454, [3]int{4, 7, 0}, "Authentication not possible now, try again later"),
	sayAccountDisabled: smtp.R(525, [3]int{5, 7, 13}, "Account is disabled"),

	sayBadSender:         smtp.R(501, [3]int{5, 1, 7}, "Sender address malformed"),
	sayBadRecipient:      smtp.R(501, [3]int{5, 1, 3}, "Recipient address malformed"),
	sayNeedsUTF8:         smtp.R(553, [3]int{5, 6, 7}, "Address is not ASCII: MAIL needs SMTPUTF8"),
	sayNoSuchUser:        smtp.R(550, [3]int{5, 1, 1}, "Recipient unknown"),
	sayBoxFull:           smtp.R(552, [3]int{5, 2, 2}, "Mailbox full"),
	sayBoxDisabled:       smtp.R(550, [3]int{5, 2, 1}, "Mailbox disabled"),
	saySenderFull:        smtp.R(552, [3]int{5, 2, 2}, "Your mailbox is full: delete something before you send"),
	sayTooManyRecipients: smtp.R(452, [3]int{4, 5, 3}, "Too many recipients"),
	sayTooBig:            smtp.R(552, [3]int{5, 3, 4}, "Message too big"),
	sayBareNewline:       smtp.R(554, [3]int{5, 6, 0}, "Message has a bare CR or LF: lines must end with CRLF"),
	saySenderNotYours:    smtp.R(553, [3]int{5, 7, 1}, "Sender address rejected: not owned by user"),
	sayPostingDenied:     smtp.R(550, [3]int{5, 7, 1}, "Posting not permitted"),
	sayDMARC:             smtp.R(550, [3]int{5, 7, 1}, "Message refused: the domain of its From says so (DMARC)"),
	saySendingStopped:    smtp.R(550, [3]int{5, 7, 1}, "Sending is stopped for this account: ask your administrator"),
	sayHoldTooLong:       smtp.R(501, [3]int{5, 5, 4}, "Release time is too far ahead"),
	sayRelayDenied:       smtp.R(550, [3]int{5, 7, 1}, "Relaying denied"),
	sayLoop:              smtp.R(554, [3]int{5, 4, 6}, "Message is looping: too many Received fields"),
	sayStorageFull:       smtp.R(452, [3]int{4, 3, 1}, "Storage full, try again later"),
	sayDenied:            smtp.R(550, [3]int{5, 7, 1}, "Not permitted"),
	sayInvalid:           smtp.R(554, [3]int{5, 6, 0}, "Message refused: it is malformed"),
	sayLater:             smtp.R(451, [3]int{4, 3, 0}, "Internal error, try again later"),
	sayBusy:              smtp.R(452, [3]int{4, 3, 1}, "Server is busy, try again later"),
	sayLimit:             smtp.R(452, [3]int{4, 5, 3}, "Limit reached, try again later"),
	sayVirus:             smtp.R(554, [3]int{5, 7, 1}, "Message refused: virus detected"),
	sayUnchecked:         smtp.R(451, [3]int{4, 7, 1}, "Message could not be checked for viruses, try again later"),
	sayComeAgain:         smtp.R(451, [3]int{4, 7, 1}, "Greylisted, try again in a few minutes"),
}

func (s say) reply() smtp.Reply { return replies[s] }
