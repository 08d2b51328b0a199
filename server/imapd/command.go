package imapd

import (
	"context"
	"errors"
	"time"

	"tegami/mail"
	"tegami/wire/imap"
)

// handler runs one command: it takes the rest of the line up to its end, does what it says, and gives
// what the tagged OK says beside the command's name.
type handler func(ctx context.Context, s *session, d *imap.Decoder) (reply, error)

// reply is a tagged OK. The zero reply is "OK <command> completed".
type reply struct {
	code string // response code without brackets, "" = none
	text string // in place of "completed"
	none bool   // the handler has said everything itself
}

// telling is what of other sessions' changes is told after a command (RFC 9051 §7.5.1).
type telling uint8

const (
	tellNothing telling = iota
	tellChanges         // no EXPUNGE: the command used sequence numbers
	tellAll
)

// command is a verb of the protocol.
type command struct {
	states state // in which it is allowed
	tell   telling
	run    handler
}

const (
	anyState = notAuthenticated | authenticated | selected
	signedIn = authenticated | selected
)

// commands are all verbs. The name is what the client says, in upper case.
var commands = map[string]command{
	"CAPABILITY": {anyState, tellAll, cmdCapability},
	"NOOP":       {anyState, tellAll, cmdNoop},
	"LOGOUT":     {anyState, tellNothing, cmdLogout},
	"ID":         {anyState, tellNothing, cmdID},

	"STARTTLS":     {notAuthenticated, tellNothing, cmdStartTLS},
	"AUTHENTICATE": {notAuthenticated, tellNothing, cmdAuthenticate},
	"LOGIN":        {notAuthenticated, tellNothing, cmdLogin},

	"COMPRESS":       {signedIn, tellNothing, cmdCompress},
	"UNAUTHENTICATE": {signedIn, tellNothing, cmdUnauthenticate},
	"NOTIFY":         {signedIn, tellAll, cmdNotify},
	"ENABLE":         {signedIn, tellNothing, cmdEnable},
	"SELECT":         {signedIn, tellNothing, cmdSelect},
	"EXAMINE":        {signedIn, tellNothing, cmdExamine},
	"CREATE":         {signedIn, tellAll, cmdCreate},
	"DELETE":         {signedIn, tellAll, cmdDelete},
	"RENAME":         {signedIn, tellAll, cmdRename},
	"SUBSCRIBE":      {signedIn, tellAll, cmdSubscribe},
	"UNSUBSCRIBE":    {signedIn, tellAll, cmdUnsubscribe},
	"LIST":           {signedIn, tellAll, cmdList},
	"LSUB":           {signedIn, tellAll, cmdLSub},
	"NAMESPACE":      {signedIn, tellAll, cmdNamespace},
	"STATUS":         {signedIn, tellAll, cmdStatus},
	"APPEND":         {signedIn, tellAll, cmdAppend},
	"IDLE":           {signedIn, tellAll, cmdIdle},
	"GETQUOTA":       {signedIn, tellAll, cmdGetQuota},
	"GETQUOTAROOT":   {signedIn, tellAll, cmdGetQuotaRoot},
	"GETMETADATA":    {signedIn, tellAll, cmdGetMetadata},
	"SETMETADATA":    {signedIn, tellAll, cmdSetMetadata},
	"SETQUOTA":       {signedIn, tellAll, cmdSetQuota},
	"SETACL":         {signedIn, tellAll, cmdSetACL},
	"DELETEACL":      {signedIn, tellAll, cmdDeleteACL},
	"GETACL":         {signedIn, tellAll, cmdGetACL},
	"LISTRIGHTS":     {signedIn, tellAll, cmdListRights},
	"MYRIGHTS":       {signedIn, tellAll, cmdMyRights},

	"CHECK":       {selected, tellAll, cmdNoop},
	"CLOSE":       {selected, tellNothing, cmdClose},
	"UNSELECT":    {selected, tellNothing, cmdUnselect},
	"EXPUNGE":     {selected, tellAll, cmdExpunge},
	"UID EXPUNGE": {selected, tellAll, cmdUIDExpunge},
	"SEARCH":      {selected, tellChanges, cmdSearch},
	"UID SEARCH":  {selected, tellAll, cmdUIDSearch},
	"SORT":        {selected, tellChanges, cmdSort},
	"UID SORT":    {selected, tellAll, cmdUIDSort},
	"THREAD":      {selected, tellChanges, cmdThread},
	"UID THREAD":  {selected, tellAll, cmdUIDThread},
	"ESEARCH":     {signedIn, tellAll, cmdESearch},

	"CANCELUPDATE": {selected, tellAll, cmdCancelUpdate},

	"FETCH":       {selected, tellChanges, cmdFetch},
	"UID FETCH":   {selected, tellAll, cmdUIDFetch},
	"STORE":       {selected, tellChanges, cmdStore},
	"UID STORE":   {selected, tellAll, cmdUIDStore},
	"COPY":        {selected, tellAll, cmdCopy},
	"UID COPY":    {selected, tellAll, cmdUIDCopy},
	"MOVE":        {selected, tellAll, cmdMove},
	"REPLACE":     {selected, tellAll, cmdReplace},
	"UID MOVE":    {selected, tellAll, cmdUIDMove},
	"UID REPLACE": {selected, tellAll, cmdUIDReplace},
}

// command reads one command and answers it. Its error is the connection's.
func (s *session) command(ctx context.Context) error {
	began := time.Now()
	tag, name, err := s.dec.Command()
	if s.dec.Broken() != nil {
		return s.dec.Broken()
	}
	s.tag, s.progressAt = tag, began.Add(progressEvery)
	if s.barred(ctx) {
		return nil
	}
	cmd, known := commands[name]
	if known {
		s.conn.Command(name, began)
	}
	var r reply
	if err == nil {
		r, err = s.run(ctx, name, cmd, known)
	}
	if s.ended {
		return nil
	}
	if broken := s.dec.Discard(); broken != nil {
		return s.cutOff(name, err, broken)
	}
	if s.numbered { // UID SEARCH 1:5 (RFC 7162 §3.2.10.2)
		cmd.tell, s.numbered = min(cmd.tell, tellChanges), false
	}
	there := s.tell(ctx, cmd.tell)
	if s.notify != nil && len(s.notify.own) > 0 {
		s.tellOthers(ctx)
	}
	if err == nil && there {
		s.syncPoint(cmd.tell, &r)
	}
	s.answer(name, r, err)
	if !there && !s.ended {
		s.bye("", "mailbox.deleted")
	}
	s.measure(name, known, time.Since(began))
	return s.out.Err()
}

// cutOff ends the session within a refused command. Where it has octets without end that nobody asked for, the client is told (RFC 7888 §4).
func (s *session) cutOff(name string, err, broken error) error {
	if errors.Is(broken, imap.ErrTooMuch) {
		s.answer(name, reply{}, err)
		s.bye("", "imap.command_too_long")
	}
	return broken
}

// barred ends the session of an account that may not be used any more: sessions are long, and who is suspended
// meanwhile must not read on. It is true when BYE was said.
func (s *session) barred(ctx context.Context) bool {
	if s.account == nil {
		return false
	}
	err := s.account.Usable(ctx)
	if err == nil {
		return false
	}
	s.log.Info("session ended", "error", err)
	key, args := mail.TextOf(err)
	s.bye("", key, args...)
	return true
}

// measure notes how long a command took; that of IDLE is the client's doing.
func (s *session) measure(name string, known bool, took time.Duration) {
	switch {
	case !known:
		name = "other"
	case name == "IDLE":
		return
	}
	s.srv.cfg.Metrics.CommandTime(s.srv.cfg.Name, name, took)
}

// run calls the handler where the state allows it.
func (s *session) run(ctx context.Context, name string, cmd command, known bool) (reply, error) {
	switch {
	case !known:
		return reply{}, mail.E(opCommand, mail.Invalid, "imap.unknown_command", name)
	case cmd.states&s.state == 0:
		return reply{}, mail.E(opCommand, mail.Invalid, "imap.wrong_state", name)
	case s.uidOnly && byNumber[name]:
		return reply{}, uidRequired()
	}
	return cmd.run(ctx, s, s.dec)
}

const opCommand = mail.Op("imapd.command")

// answer writes the tagged response.
func (s *session) answer(name string, r reply, err error) {
	if err != nil {
		s.refuse(name, err)
		return
	}
	s.errors = 0
	if r.none {
		return
	}
	b := append(append(s.out.Begin(), s.tag...), " OK "...)
	if r.code != "" {
		b = append(append(append(b, '['), r.code...), "] "...)
	}
	b = append(append(b, name...), ' ')
	if r.text == "" {
		r.text = "completed"
	}
	s.out.End(append(append(b, r.text...), '\r', '\n'))
}
