package sieve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/wire/mime"
)

// The suite of Pigeonhole is written in Sieve itself, with the commands of vnd.dovecot.testsuite. They
// are added to the language here, so that nobody outside of the tests can use them.

// tester runs one file of the suite.
type tester struct {
	dir       string // of the file
	limits    Limits
	config    map[string]string
	in        *Input
	addresses map[string]mail.Address // sieve_user_email, envelope.orig_to
	boxes     map[string][]stored
	metadata  map[string]string
	lists     map[string]map[string]bool // of extlists
	sent      []sent
	script    *Script
	name      string // of the script that was compiled
	faults    []string
	result    *Result // of test_script_run
	outcome   func(name string, err error)
}

// stored is a message in a mailbox.
type stored struct {
	octets []byte
	flags  []string
}

// sent is a message that went out.
type sent struct {
	from, to mail.Address
	octets   []byte
}

// failure is what test_fail says.
type failure struct{ text string }

func (f failure) Error() string { return f.text }

var errBadFile = errors.New("the file of the suite is not as expected")

// newTester makes a tester for a file in a folder.
func newTester(dir string) *tester {
	t := &tester{dir: dir, config: map[string]string{}, metadata: map[string]string{}, addresses: map[string]mail.Address{}, lists: map[string]map[string]bool{}}
	t.boxes = map[string][]stored{"INBOX": nil}
	t.in = &Input{Host: t, Now: time.Now(), Zone: time.FixedZone("", 2*3600), Environment: map[string]string{
		"name": "tegami", "version": "1", "phase": "during", "location": "MDA", "domain": "example.com", "host": "mail.example.com",
	}}
	t.message([]byte(defaultMessage))
	t.envelope()
	return t
}

// defaultMessage is what the suite's files see that set none.
const defaultMessage = "From: sender@example.com\r\nTo: recipient@example.org\r\nSubject: Test message\r\n\r\nTest.\r\n"

func (t *tester) message(octets []byte) {
	octets = bytes.ReplaceAll(bytes.ReplaceAll(octets, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	t.in.Octets, t.in.Structure = bytes.NewReader(octets), mime.ParseBytes(octets, mime.Limits{})
}

// envelope makes the envelope of the header, as it is before test_set says otherwise.
func (t *tester) envelope() {
	e := t.in.Structure.Root.Envelope
	t.in.From, t.in.To = mail.Address{Local: "sender", Domain: "example.com"}, mail.Address{Local: "recipient", Domain: "example.com"}
	if a := e.From; len(a) > 0 && a[0].Domain != "" {
		t.in.From = pathAddress(a[0].Local + "@" + a[0].Domain)
	}
	if a := e.To; len(a) > 0 && a[0].Domain != "" {
		t.in.To = pathAddress(a[0].Local + "@" + a[0].Domain)
	}
}

// language is the standard one with the commands of the suite.
func (t *tester) language() *language {
	caps := maps.Clone(capabilities)
	caps["vnd.dovecot.testsuite"], caps["vnd.dovecot.debug"] = nil, nil
	need := []string{"vnd.dovecot.testsuite"}
	matching := tags(comparatorTags, matchTags, []tagSpec{{name: "index", value: numberArg}})
	one := func(name string) []param { return []param{{stringArg, name}} }
	keys := []param{{listArg, "key list"}}
	return newLanguage(caps, specs, []spec{
		{name: "test", needs: need, params: one("name"), braces: true, run: t.test},
		{name: "test_fail", needs: need, params: one("reason"), run: t.fail},
		{name: "test_set", needs: need, params: []param{{stringArg, "name"}, {stringArg, "value"}}, run: t.set},
		{name: "test_config_set", needs: need, params: []param{{stringArg, "name"}, {stringArg, "value"}}, run: t.configSet},
		{name: "test_config_unset", needs: need, params: one("name"), run: t.configUnset},
		{name: "test_config_reload", needs: need, tags: []tagSpec{{name: "extension", value: stringArg}}, run: t.configReload},
		{name: "test_result_reset", needs: need, run: t.resultReset},
		{name: "test_result_print", needs: need, run: doNothing},
		{name: "test_script_compile", needs: need, params: one("file"), test: t.compile},
		{name: "test_script_run", needs: need, tags: []tagSpec{{name: "append_result"}}, test: t.run},
		{name: "test_multiscript", needs: need, params: []param{{listArg, "files"}}, test: t.multiscript},
		{name: "test_result_execute", needs: need, test: t.execute},
		{name: "test_result_action", needs: need, tags: matching, params: keys, check: checkMatch, test: t.resultAction},
		{name: "test_error", needs: need, tags: matching, params: keys, check: checkMatch, test: t.testError},
		{name: "test_message", needs: need, tags: []tagSpec{{name: "smtp"}, {name: "folder", value: stringArg}}, params: []param{{numberArg, "index"}}, run: t.mustShow, test: t.show},
		{name: "test_mailbox_create", needs: need, params: one("mailbox"), run: t.mailboxCreate},
		{name: "test_mailbox_delete", needs: need, params: one("mailbox"), run: t.mailboxDelete},
		{name: "test_binary_save", needs: need, params: one("name"), run: doNothing},
		{name: "test_binary_load", needs: need, params: one("name"), run: doNothing},
		{name: "test_imap_metadata_set", needs: need, tags: []tagSpec{{name: "mailbox", value: stringArg}}, params: []param{{stringArg, "annotation"}, {stringArg, "value"}}, run: t.setMetadata},
		{name: "debug_log", needs: []string{"vnd.dovecot.debug"}, params: one("message"), run: doNothing},
	})
}

// arg gives a string argument.
func arg(r *run, c *call, i int) string { return r.string(&c.args[i]) }

// test runs one test of the file.
func (t *tester) test(r *run, c *call) error {
	err := r.block(c.block)
	r.overflow, r.steps, r.deadline = false, r.limits.Steps, time.Now().Add(r.limits.Time)
	r.loops = nil
	t.outcome(arg(r, c, 0), err)
	return nil
}

func (t *tester) fail(r *run, c *call) error { return failure{arg(r, c, 0)} }

func (t *tester) set(r *run, c *call) error {
	name, value := arg(r, c, 0), arg(r, c, 1)
	switch name {
	case "message":
		t.message([]byte(value))
		t.envelope()
		r.message, r.flags = newMessage(t.in), nil
	case "envelope.from":
		t.in.From = pathAddress(value)
	case "envelope.to":
		t.in.To = pathAddress(value)
	case "envelope.orig_to":
		t.addresses[name] = pathAddress(value)
	case "envelope.auth":
		t.in.Auth = value
	default:
		return fmt.Errorf("%w: test_set %q", errBadFile, name)
	}
	return nil
}

// pathAddress reads an address with or without brackets; the null path is empty.
func pathAddress(s string) mail.Address {
	_, a, _ := parseMailbox(strings.Trim(strings.TrimSpace(s), "<>"))
	return a
}

func (t *tester) configSet(r *run, c *call) error {
	t.config[arg(r, c, 0)] = arg(r, c, 1)
	return nil
}

func (t *tester) configUnset(r *run, c *call) error {
	delete(t.config, arg(r, c, 0))
	return nil
}

// configReload makes limits of the settings there is something like here.
func (t *tester) configReload(r *run, _ *call) error {
	for name, field := range map[string]*int{
		"sieve_variables_max_variable_size": &t.limits.Variable, "sieve_max_actions": &t.limits.Actions,
		"sieve_max_redirects": &t.limits.Redirects, "sieve_include_max_includes": &t.limits.Includes,
		"sieve_include_max_nesting_depth": &t.limits.Depth, "sieve_editheader_max_header_size": &t.limits.Field,
		"sieve_max_notify_actions": &t.limits.Notifies, "sieve_notify_max_actions": &t.limits.Notifies,
	} {
		if v, ok := t.config[name]; ok {
			*field, _ = strconv.Atoi(v)
		}
	}
	if d, err := time.ParseDuration(strings.TrimSpace(t.config["sieve_vacation_min_period"])); err == nil {
		t.limits.VacationMin = d
	}
	t.in.Owner.Addresses = nil
	if a := t.config["sieve_user_email"]; a != "" {
		t.in.Owner.Addresses = []mail.Address{pathAddress(a)}
	}
	if t.config["sieve_vacation_use_original_recipient"] == "yes" {
		t.in.Owner.Addresses = append(t.in.Owner.Addresses, t.addresses["envelope.orig_to"])
	}
	t.reloadLists()
	r.limits = t.limits.orDefaults()
	return nil
}

// reloadLists reads the lists of the setting of extlists: a file of pairs of lines.
func (t *tester) reloadLists() {
	for _, name := range strings.Fields(t.config["sieve_extlists_list"]) {
		list := map[string]bool{}
		if b, err := os.ReadFile(t.config["sieve_extlists_list/"+name+"/dict/file/path"]); err == nil {
			for line := range strings.Lines(string(b)) {
				if key, ok := strings.CutPrefix(strings.TrimSpace(line), "priv/sieve/extlists/"); ok {
					list[key] = true
				}
			}
		}
		t.lists[listName(name)] = list
	}
}

func (t *tester) resultReset(r *run, _ *call) error {
	r.result, r.flags, t.result, t.sent, t.faults = result{}, nil, nil, nil, nil
	return nil
}

// compile compiles a script, as the first step of its run: what it includes has to be there.
func (t *tester) compile(r *run, c *call) (bool, error) {
	t.name = arg(r, c, 0)
	s, err := t.read(t.name)
	t.script, t.faults = s, nil
	if err == nil && s != nil {
		err = t.link(s, map[string]bool{}, 1)
	}
	var broken *SyntaxError
	switch {
	case errors.As(err, &broken):
		for _, f := range broken.Faults {
			t.faults = append(t.faults, english(f))
		}
		t.faults = append(t.faults, "The script is not valid")
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// read compiles a file beside the one that is run.
func (t *tester) read(name string) (*Script, error) {
	b, err := os.ReadFile(filepath.Join(t.dir, name))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadFile, err)
	}
	return compile(t.language(), b, t.limits)
}

// link follows what a script includes. Pigeonhole does so when it compiles; we do when it runs (RFC 6609 §3.2).
func (t *tester) link(s *Script, open map[string]bool, depth int) error {
	f := &faults{}
	if depth > t.limits.orDefaults().Depth+1 {
		f.add(1, "sieve.limit_depth", depth)
		return f.err()
	}
	for _, i := range s.Inclusions() {
		id := fmt.Sprint(i.Global, i.Name)
		in, err := t.Include(context.Background(), i.Global, i.Name)
		switch {
		case open[id]:
			f.add(i.Line, "sieve.include_circle", i.Name)
		case in == nil && err == nil && !i.Optional:
			f.add(i.Line, "sieve.include_missing", i.Name)
		case err != nil:
			f.add(i.Line, "sieve.include_broken", i.Name)
		case in != nil:
			open[id] = true
			if t.link(in, open, depth+1) != nil {
				f.add(i.Line, "sieve.include_broken", i.Name)
			}
			delete(open, id)
		}
	}
	return f.err()
}

// run runs the script that was compiled.
func (t *tester) run(_ *run, c *call) (bool, error) {
	if t.script == nil {
		return false, errBadFile
	}
	t.faults = nil
	res, err := t.script.Run(context.Background(), t.in)
	if err != nil {
		var broken *RunError
		if !errors.As(err, &broken) {
			return false, err
		}
		t.faults = append(t.faults, english(broken.Fault))
		return false, nil
	}
	for _, w := range res.Warnings {
		t.faults = append(t.faults, english(w))
	}
	if c.has("append_result") && t.result != nil {
		res.Actions = append(t.result.Actions, res.Actions...)
	}
	t.result = res
	return true, nil
}

// multiscript runs scripts one after the other, each on what the one before has made of the message: an implicit keep
// hands it on.
func (t *tester) multiscript(r *run, c *call) (bool, error) {
	in := *t.in
	for i, name := range r.strings(&c.args[0]) {
		s, err := t.read(name)
		if err != nil {
			return false, err
		}
		next := newRun(context.Background(), s, &in)
		if i > 0 {
			next.flags = r.flags
		}
		res, err := next.script(s)
		if err != nil {
			return false, nil
		}
		r.flags = next.flags
		last := i == len(c.args[0].list)-1
		implicit, handsOn := res.Actions[len(res.Actions)-1].(Keep)
		if handsOn && implicit.Implicit && !last {
			res.Actions = res.Actions[:len(res.Actions)-1]
		}
		was := *t.in
		*t.in = in
		ok := t.perform(res.Actions)
		octets := t.octets(implicit.Content)
		*t.in = was
		in.Octets, in.Structure = bytes.NewReader(octets), mime.ParseBytes(octets, mime.Limits{})
		if !ok || !handsOn || !implicit.Implicit {
			return ok, nil
		}
	}
	return true, nil
}

// execute does what the last script wanted, or what the file itself did so far.
func (t *tester) execute(r *run, _ *call) (bool, error) {
	if t.result != nil {
		return t.perform(t.result.Actions), nil
	}
	saved := r.result
	res, err := r.finish()
	r.result = saved
	if err != nil {
		return false, err
	}
	return t.perform(res.Actions), nil
}

// perform does actions.
func (t *tester) perform(actions []Action) bool {
	for _, a := range actions {
		switch a := a.(type) {
		case Keep:
			t.boxes["INBOX"] = append(t.boxes["INBOX"], stored{t.octets(a.Content), a.Flags})
		case FileInto:
			if !t.fileInto(a, t.octets(a.Content)) {
				t.faults = append(t.faults, "failed to store into "+a.Mailbox)
				return false
			}
		case Redirect:
			head := "X-Sieve: tegami\r\nX-Sieve-Redirected-From: " + t.in.To.String() + "\r\n"
			t.send(t.in.From, a.To, append([]byte(head), t.octets(a.Content)...))
		case Reject:
			if !t.in.From.IsNull() {
				t.send(mail.Address{}, t.in.From, []byte("From: Postmaster <postmaster@example.com>\r\nTo: "+t.in.From.String()+"\r\n\r\n"+a.Text))
			}
		case Vacation:
			t.answer(a)
		case Notify:
			t.notify(a)
		}
	}
	return true
}

func (t *tester) octets(c *Content) []byte {
	var b bytes.Buffer
	if c == nil {
		c = &Content{pieces: []piece{{end: t.in.Structure.Size}}, size: t.in.Structure.Size}
	}
	if n, err := b.ReadFrom(c.Open(t.in.Octets)); err != nil || n != c.Size() {
		panic(fmt.Sprint(n, c.Size(), err))
	}
	return b.Bytes()
}

func (t *tester) fileInto(a FileInto, octets []byte) bool {
	name := a.Mailbox
	if strings.EqualFold(name, inbox) {
		name = inbox
	}
	if use, ok, _ := t.SpecialUse(context.Background(), a.SpecialUse); ok {
		name = use
	}
	if strings.Contains(name, "//") {
		return false
	}
	for have := range t.boxes { // names of this suite are sometimes written in another case
		if strings.EqualFold(have, name) {
			name = have
		}
	}
	if _, ok := t.boxes[name]; !ok && !a.Create {
		return false
	}
	t.boxes[name] = append(t.boxes[name], stored{octets, a.Flags})
	return true
}

func (t *tester) send(from, to mail.Address, octets []byte) {
	t.sent = append(t.sent, sent{from, to, octets})
}

func (t *tester) answer(a Vacation) {
	from := a.From
	if from == "" {
		from = t.in.To.String()
		if own := t.in.Owner.Addresses; len(own) > 0 {
			from = own[0].String()
		}
	}
	name, addr, _ := parseMailbox(from)
	head := "From: " + mime.Address{Display: name, Local: addr.Local, Domain: addr.Domain}.Format(mime.UTF8) + "\r\nTo: <" + a.To.String() + ">\r\nSubject: " + mime.EncodeHeader(a.Subject, mime.UTF8) + "\r\nAuto-Submitted: auto-replied (vacation)\r\nPrecedence: bulk\r\n"
	if a.InReplyTo != "" {
		head += "In-Reply-To: " + a.InReplyTo + "\r\nReferences: " + a.References + "\r\n"
	}
	head += "MIME-Version: 1.0\r\n"
	body := string(textEntity(a.Text))
	if a.MIME {
		body = strings.ReplaceAll(a.Text, "\n", "\r\n")
	}
	octets := []byte(head + body)
	t.send(mail.Address{}, a.To, octets)
	t.keepCopy(a.Copy, octets)
}

func (t *tester) keepCopy(a *FileInto, octets []byte) {
	if a != nil {
		t.fileInto(*a, octets)
	}
}

func (t *tester) notify(a Notify) {
	from := mail.Address{Local: "postmaster", Domain: "example.com"}
	head := "X-Sieve: tegami\r\nAuto-Submitted: auto-notified; owner-email=\"" + t.in.To.String() + "\"\r\nSubject: " + mime.EncodeHeader(a.Subject, mime.UTF8) + "\r\n"
	if a.From != "" {
		name, addr, _ := parseMailbox(a.From)
		from = addr
		head += "From: " + mime.Address{Display: name, Local: addr.Local, Domain: addr.Domain}.Format(mime.UTF8) + "\r\n"
	}
	head += []string{"", "X-Priority: 1 (Highest)\r\nImportance: High\r\n", "X-Priority: 3 (Normal)\r\nImportance: Normal\r\n", "X-Priority: 5 (Lowest)\r\nImportance: Low\r\n"}[a.Importance]
	for _, f := range a.Header {
		head += newField(f.Name, f.Value).raw
	}
	for _, list := range []struct {
		name string
		all  []Mailbox
	}{{"To", a.To}, {"Cc", a.Cc}} {
		var all []string
		for _, m := range list.all {
			all = append(all, mime.Address{Display: m.Name, Local: m.Local, Domain: m.Domain}.Format(mime.UTF8))
		}
		if len(all) > 0 {
			head += list.name + ": " + strings.Join(all, ",\r\n ") + "\r\n"
		}
	}
	if t.in.From.IsNull() {
		from = mail.Address{}
	}
	for _, list := range [][]Mailbox{a.To, a.Cc, a.Bcc} {
		for _, m := range list {
			t.send(from, m.Address, []byte(head+"\r\n"+a.Body))
		}
	}
	t.keepCopy(a.Copy, []byte(head+"\r\n"+a.Body))
}

// actionNames are the actions of a result as the suite calls them.
func actionNames(actions []Action) []string {
	var names []string
	for _, a := range actions {
		switch a.(type) {
		case Keep:
			names = append(names, "keep")
		case FileInto:
			names = append(names, "store")
		case Redirect:
			names = append(names, "redirect")
		case Reject:
			names = append(names, "reject")
		case Vacation:
			names = append(names, "vacation")
		case Notify:
			names = append(names, "notify")
		}
	}
	return names
}

func (t *tester) resultAction(r *run, c *call) (bool, error) {
	var names []string
	if t.result != nil {
		names = actionNames(t.result.Actions)
	} else {
		names = actionNames(r.result.actions)
	}
	return r.compare(c, at(c, names))
}

func (t *tester) testError(r *run, c *call) (bool, error) { return r.compare(c, at(c, t.faults)) }

// at gives the value :index names, or all.
func at(c *call, values []string) []string {
	v := c.tag("index")
	switch {
	case v == nil:
		return values
	case v.number == 0 || v.number > uint64(len(values)):
		return nil
	}
	return values[v.number-1 : v.number]
}

func (t *tester) mustShow(r *run, c *call) error {
	ok, err := t.show(r, c)
	if !ok && err == nil {
		return failure{"there is no such message"}
	}
	return err
}

// show makes a message that was stored or sent the one that is tested.
func (t *tester) show(r *run, c *call) (bool, error) {
	n := int(c.args[0].number)
	if v := c.tag("folder"); v != nil {
		box := t.boxes[r.string(v)]
		if n >= len(box) {
			return false, nil
		}
		t.message(box[n].octets)
		r.message, r.flags = newMessage(t.in), box[n].flags
		return true, nil
	}
	if n >= len(t.sent) {
		return false, nil
	}
	t.message(t.sent[n].octets)
	t.in.From, t.in.To = t.sent[n].from, t.sent[n].to
	r.message = newMessage(t.in)
	return true, nil
}

func (t *tester) mailboxCreate(r *run, c *call) error {
	t.boxes[arg(r, c, 0)] = nil
	return nil
}

func (t *tester) mailboxDelete(r *run, c *call) error {
	delete(t.boxes, arg(r, c, 0))
	return nil
}

func (t *tester) setMetadata(r *run, c *call) error {
	mailbox := ""
	if v := c.tag("mailbox"); v != nil {
		mailbox = r.string(v)
	}
	t.metadata[mailbox+"\n"+arg(r, c, 0)] = arg(r, c, 1)
	return nil
}

// The tester is the scripts' Host.

func (t *tester) MailboxExists(_ context.Context, name string) (bool, error) {
	_, ok := t.boxes[name]
	return ok, nil
}

func (t *tester) MailboxID(context.Context, string) (bool, error) { return false, nil }

func (t *tester) SpecialUse(_ context.Context, use string) (string, bool, error) {
	box := map[string]string{`\sent`: "Sent", `\junk`: "Spam", `\trash`: "Trash", `\drafts`: "Drafts", `\archive`: "Archive"}[strings.ToLower(use)]
	_, ok := t.boxes[box]
	return box, ok, nil
}

func (t *tester) Metadata(_ context.Context, mailbox, name string) (string, bool, error) {
	v, ok := t.metadata[mailbox+"\n"+name]
	return v, ok, nil
}

func (t *tester) ListExists(_ context.Context, list string) (bool, error) {
	return t.lists[list] != nil, nil
}

func (t *tester) InList(_ context.Context, list, value string) (bool, error) {
	return t.lists[list][value], nil
}

func (t *tester) Include(_ context.Context, global bool, name string) (*Script, error) {
	dir := "included"
	if global {
		dir = "included-global"
	}
	s, err := t.read(filepath.Join(dir, strings.TrimSuffix(name, ".sieve")+".sieve"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

func (t *tester) Seen(context.Context, string) (bool, error) { return false, nil }

// suiteResult is what became of the tests of one file.
type suiteResult struct {
	tests    []string
	failures map[string]string // by test; "*" for the whole file
}

// runSuiteFile runs one file.
func runSuiteFile(path string) suiteResult {
	res := suiteResult{failures: map[string]string{}}
	src, err := os.ReadFile(path)
	if err != nil {
		res.failures["*"] = err.Error()
		return res
	}
	t := newTester(filepath.Dir(path))
	t.outcome = func(name string, err error) {
		for n, base := 2, name; contains(res.tests, name); n++ { // some files use a name twice
			name = fmt.Sprintf("%s #%d", base, n)
		}
		res.tests = append(res.tests, name)
		if err != nil {
			res.failures[name] = strings.TrimSpace(err.Error()) + fmt.Sprintf(" %q", t.faults)
		}
	}
	s, err := compile(t.language(), bytes.ReplaceAll(src, []byte("${tst.path}"), []byte(t.dir)), Limits{Script: 1 << 20})
	if err != nil {
		res.failures["*"] = err.Error()
		return res
	}
	r := newRun(context.Background(), s, t.in)
	if err := r.block(s.calls); err != nil && err != errStop {
		res.failures["*"] = err.Error()
	}
	return res
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// TestPigeonhole runs the suite of Pigeonhole. What is not passed stands in testdata/exceptions.tsv with its reason.
func TestPigeonhole(t *testing.T) {
	dir := filepath.Join(archives.Unpack(t, "sieve-pigeonhole"), "sieve-pigeonhole")
	known := loadExceptions(t)
	files, passed, tests, failed := 0, 0, 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".svtest") {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		res := runSuiteFile(path)
		files++
		tests += len(res.tests)
		if strings.HasPrefix(name, "failures/") { // of these only a crash is a failure
			passed++
			return nil
		}
		whole := true
		for test, why := range res.failures {
			failed++
			whole = false
			if !known.covers(name, test) {
				t.Errorf("%s: %q: %s", name, test, why)
			}
		}
		if whole {
			passed++
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatal(files, err)
	}
	known.done(t)
	t.Logf("%d of %d files pass whole; of their %d tests %d fail", passed, files, tests, failed)
}

// exceptions are the known failures: file, test ("*" for the whole file), and the reason.
type exceptions map[[2]string]bool

func loadExceptions(t *testing.T) exceptions {
	t.Helper()
	b, err := os.ReadFile("testdata/exceptions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	x := exceptions{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[2] == "" {
			t.Fatalf("exceptions.tsv: want file, test, reason: %q", line)
		}
		x[[2]string{f[0], f[1]}] = false
	}
	return x
}

func (x exceptions) covers(file, test string) bool {
	key := [2]string{file, test}
	if _, ok := x[key]; !ok {
		return false
	}
	x[key] = true
	return true
}

// done fails the test for exceptions that pass.
func (x exceptions) done(t *testing.T) {
	for key, used := range x {
		if !used {
			t.Errorf("exceptions.tsv: %s: %q passes", key[0], key[1])
		}
	}
}
