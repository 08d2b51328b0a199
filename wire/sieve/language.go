package sieve

import "slices"

// spec is what the language knows of a command or a test. How it is written is checked when a script is
// compiled; run or test is what it does.
type spec struct {
	name   string
	needs  []string  // the extensions that bring it, of which one must be required; nil for the base
	tags   []tagSpec // tagged arguments it knows
	params []param   // positional arguments
	// optional is how many of params may be left out, from the front on (RFC 5232 §3.1).
	optional int
	omit     bool  // the last of params may be left out (RFC 5293 §5)
	arity    arity // tests it takes
	braces   bool  // it takes a block

	// check looks further at a call whose arguments are right, and prepares it. It tells faults.
	check func(*compiler, *call)
	run   func(*run, *call) error         // of a command
	test  func(*run, *call) (bool, error) // of a test
}

// kind names what it is, for faults.
func (s *spec) kind() string {
	if s.test != nil {
		return s.name + " test"
	}
	return s.name + " command"
}

// arity is how many tests a command or test takes.
type arity uint8

const (
	noTest arity = iota
	oneTest
	testList
)

// param is a positional argument.
type param struct {
	kind argKind
	name string // as its definition calls it
}

// tagSpec is a tagged argument.
type tagSpec struct {
	name  string
	group string  // of these only one may be given; "" = it is its own
	needs string  // extension that brings it; "" = that of the command
	value argKind // what follows it
	fixed bool    // its value holds no variables
}

// Tagged arguments that several commands know.
var (
	comparatorTags = []tagSpec{{name: "comparator", value: stringArg, fixed: true}}

	matchTags = []tagSpec{
		{name: "is", group: "match type"},
		{name: "contains", group: "match type"},
		{name: "matches", group: "match type"},
		{name: "regex", group: "match type", needs: "regex"},
		{name: "list", group: "match type", needs: "extlists"},
		{name: "count", group: "match type", needs: "relational", value: stringArg, fixed: true},
		{name: "value", group: "match type", needs: "relational", value: stringArg, fixed: true},
	}

	partTags = []tagSpec{
		{name: "all", group: "address part"},
		{name: "localpart", group: "address part"},
		{name: "domain", group: "address part"},
		{name: "user", group: "address part", needs: "subaddress"},
		{name: "detail", group: "address part", needs: "subaddress"},
	}

	indexTags = []tagSpec{
		{name: "index", needs: "index", value: numberArg},
		{name: "last", needs: "index"},
	}

	mimeTags = []tagSpec{
		{name: "mime", needs: "mime"},
		{name: "anychild", needs: "mime"},
	}

	mimeOptionTags = []tagSpec{
		{name: "type", group: "MIME option", needs: "mime"},
		{name: "subtype", group: "MIME option", needs: "mime"},
		{name: "contenttype", group: "MIME option", needs: "mime"},
		{name: "param", group: "MIME option", needs: "mime", value: listArg},
	}

	flagTags = []tagSpec{{name: "flags", needs: "imap4flags", value: listArg}}

	storeTags = []tagSpec{
		{name: "create", needs: "mailbox"},
		{name: "specialuse", group: "place", needs: "special-use", value: stringArg},
		{name: "mailboxid", group: "place", needs: "mailboxid", value: stringArg},
	}

	fccTags = []tagSpec{{name: "fcc", needs: "fcc", value: stringArg}}

	modifierTags = []tagSpec{
		{name: "lower", group: "modifier 40"},
		{name: "upper", group: "modifier 40"},
		{name: "lowerfirst", group: "modifier 30"},
		{name: "upperfirst", group: "modifier 30"},
		{name: "quotewildcard", group: "modifier 20"},
		{name: "quoteregex", group: "modifier 20", needs: "regex"},
		{name: "encodeurl", group: "modifier 15", needs: "enotify"},
		{name: "length", group: "modifier 10"},
	}

	zoneTags = []tagSpec{
		{name: "zone", group: "zone", value: stringArg},
		{name: "originalzone", group: "zone"},
	}
)

// tags joins lists of tagged arguments.
func tags(lists ...[]tagSpec) []tagSpec { return slices.Concat(lists...) }

// specs are the commands and tests of the language: the base (RFC 5228 §3 to §5) and the extensions.
var specs = []spec{
	// Control.
	{name: "require", params: []param{{listArg, "capabilities"}}, run: doNothing},
	{name: "if", arity: oneTest, braces: true, run: doIf},
	{name: "elsif", arity: oneTest, braces: true, run: doNothing},
	{name: "else", braces: true, run: doNothing},
	{name: "stop", run: doStop},
	{name: "error", needs: []string{"ihave"}, params: []param{{stringArg, "message"}}, run: doError},
	{name: "set", needs: []string{"variables"}, tags: modifierTags, params: []param{{stringArg, "name"}, {stringArg, "value"}}, check: checkSet, run: doSet},
	{name: "include", needs: []string{"include"}, tags: includeTags, params: []param{{stringArg, "script name"}}, check: checkInclude, run: doInclude},
	{name: "return", needs: []string{"include"}, run: doReturn},
	{name: "global", needs: []string{"include"}, params: []param{{listArg, "names"}}, check: checkGlobal, run: doNothing},
	{name: "foreverypart", needs: []string{"foreverypart"}, tags: loopTags, braces: true, check: checkLoop, run: doLoop},
	{name: "break", needs: []string{"foreverypart"}, tags: loopTags, check: checkBreak, run: doBreak},

	// Actions.
	{name: "keep", tags: flagTags, run: doKeep},
	{name: "discard", run: doDiscard},
	{name: "redirect", tags: redirectTags, params: []param{{stringArg, "address"}}, check: checkRedirect, run: doRedirect},
	{name: "fileinto", needs: []string{"fileinto"}, tags: tags(copyTags, flagTags, storeTags), params: []param{{stringArg, "mailbox"}}, check: checkFileInto, run: doFileInto},
	{name: "reject", needs: []string{"reject"}, params: []param{{stringArg, "reason"}}, run: doReject},
	{name: "ereject", needs: []string{"ereject"}, params: []param{{stringArg, "reason"}}, run: doReject},
	{name: "setflag", needs: []string{"imap4flags"}, params: flagArgs, optional: 1, check: checkFlags, run: doSetFlag},
	{name: "addflag", needs: []string{"imap4flags"}, params: flagArgs, optional: 1, check: checkFlags, run: doAddFlag},
	{name: "removeflag", needs: []string{"imap4flags"}, params: flagArgs, optional: 1, check: checkFlags, run: doRemoveFlag},
	{name: "vacation", needs: []string{"vacation"}, tags: tags(vacationTags, fccTags, flagTags, storeTags), params: []param{{stringArg, "reason"}}, check: checkVacation, run: doVacation},
	{name: "notify", needs: []string{"enotify"}, tags: tags(notifyTags, fccTags, flagTags, storeTags), params: []param{{stringArg, "method"}}, check: checkNotify, run: doNotify},
	{name: "addheader", needs: []string{"editheader"}, tags: addTags, params: []param{{stringArg, "field name"}, {stringArg, "value"}}, check: checkAddHeader, run: doAddHeader},
	{name: "deleteheader", needs: []string{"editheader"}, tags: tags(deleteTags, comparatorTags, matchTags), params: []param{{stringArg, "field name"}, {listArg, "value patterns"}}, omit: true, check: checkDeleteHeader, run: doDeleteHeader},
	{name: "extracttext", needs: []string{"extracttext"}, tags: tags(modifierTags, extractTags), params: []param{{stringArg, "variable name"}}, check: checkExtract, run: doExtract},
	{name: "replace", needs: []string{"replace"}, tags: replaceTags, params: []param{{stringArg, "replacement"}}, check: checkReplace, run: doReplace},
	{name: "enclose", needs: []string{"enclose"}, tags: encloseTags, params: []param{{stringArg, "text"}}, run: doEnclose},

	// Tests.
	{name: "true", test: testTrue},
	{name: "false", test: testFalse},
	{name: "not", arity: oneTest, test: testNot},
	{name: "allof", arity: testList, test: testAllOf},
	{name: "anyof", arity: testList, test: testAnyOf},
	{name: "address", tags: tags(comparatorTags, matchTags, partTags, indexTags, mimeTags), params: []param{{listArg, "header list"}, {listArg, "key list"}}, check: checkAddress, test: testAddress},
	{name: "envelope", needs: []string{"envelope"}, tags: tags(comparatorTags, matchTags, partTags), params: []param{{listArg, "envelope part"}, {listArg, "key list"}}, check: checkEnvelope, test: testEnvelope},
	{name: "exists", tags: mimeTags, params: []param{{listArg, "header names"}}, check: checkExists, test: testExists},
	{name: "header", tags: tags(comparatorTags, matchTags, indexTags, mimeTags, mimeOptionTags), params: []param{{listArg, "header names"}, {listArg, "key list"}}, check: checkHeader, test: testHeader},
	{name: "size", tags: sizeTags, params: []param{{numberArg, "limit"}}, check: checkSize, test: testSize},
	{name: "string", needs: []string{"variables"}, tags: tags(comparatorTags, matchTags), params: []param{{listArg, "source"}, {listArg, "key list"}}, check: checkMatch, test: testString},
	{name: "body", needs: []string{"body"}, tags: tags(comparatorTags, matchTags, bodyTags), params: []param{{listArg, "key list"}}, check: checkBody, test: testBody},
	{name: "date", needs: []string{"date"}, tags: tags(zoneTags, comparatorTags, matchTags, indexTags), params: []param{{stringArg, "header name"}, {stringArg, "date part"}, {listArg, "key list"}}, check: checkDate, test: testDate},
	{name: "currentdate", needs: []string{"date"}, tags: tags(zoneTags[:1], comparatorTags, matchTags), params: []param{{stringArg, "date part"}, {listArg, "key list"}}, check: checkDate, test: testCurrentDate},
	{name: "hasflag", needs: []string{"imap4flags"}, tags: tags(comparatorTags, matchTags), params: []param{{listArg, "variable list"}, {listArg, "flags"}}, optional: 1, check: checkHasFlag, test: testHasFlag},
	{name: "duplicate", needs: []string{"duplicate"}, tags: duplicateTags, check: checkDuplicate, test: testDuplicate},
	{name: "environment", needs: []string{"environment"}, tags: tags(comparatorTags, matchTags), params: []param{{stringArg, "name"}, {listArg, "key list"}}, check: checkMatch, test: testEnvironment},
	{name: "ihave", needs: []string{"ihave"}, params: []param{{listArg, "capabilities"}}, check: checkIHave, test: testIHave},
	{name: "mailboxexists", needs: []string{"mailbox"}, params: []param{{listArg, "mailbox names"}}, test: testMailboxExists},
	{name: "mailboxidexists", needs: []string{"mailboxid"}, params: []param{{listArg, "mailbox ids"}}, test: testMailboxID},
	{name: "metadata", needs: []string{"mboxmetadata"}, tags: tags(comparatorTags, matchTags), params: []param{{stringArg, "mailbox"}, {stringArg, "annotation name"}, {listArg, "key list"}}, check: checkMatch, test: testMetadata},
	{name: "metadataexists", needs: []string{"mboxmetadata"}, params: []param{{stringArg, "mailbox"}, {listArg, "annotation names"}}, test: testMetadataExists},
	{name: "servermetadata", needs: []string{"servermetadata"}, tags: tags(comparatorTags, matchTags), params: []param{{stringArg, "annotation name"}, {listArg, "key list"}}, check: checkMatch, test: testMetadata},
	{name: "servermetadataexists", needs: []string{"servermetadata"}, params: []param{{listArg, "annotation names"}}, test: testMetadataExists},
	{name: "specialuse_exists", needs: []string{"special-use"}, params: []param{{stringArg, "mailbox"}, {listArg, "special-use attributes"}}, optional: 1, check: checkSpecialUse, test: testSpecialUse},
	{name: "valid_notify_method", needs: []string{"enotify"}, params: []param{{listArg, "notification URIs"}}, test: testValidNotify},
	{name: "notify_method_capability", needs: []string{"enotify"}, tags: tags(comparatorTags, matchTags), params: []param{{stringArg, "notification URI"}, {stringArg, "notification capability"}, {listArg, "key list"}}, check: checkMatch, test: testNotifyCapability},
	{name: "valid_ext_list", needs: []string{"extlists"}, params: []param{{listArg, "list names"}}, test: testValidList},
}

// capabilities are what a script can require, each with what it brings along beside itself.
var capabilities = map[string][]string{
	"fileinto": nil, "reject": nil, "ereject": nil, "copy": nil, "envelope": nil, "encoded-character": nil,
	"body": nil, "variables": nil, "vacation": nil, "vacation-seconds": {"vacation"}, "relational": nil,
	"subaddress": nil, "date": nil, "index": nil, "imap4flags": nil, "mailbox": nil, "mboxmetadata": nil,
	"servermetadata": nil, "special-use": nil, "mailboxid": nil, "editheader": nil, "duplicate": nil, "include": nil, "regex": nil,
	"enotify": nil, "environment": nil, "ihave": nil, "extlists": nil, "mime": nil, "foreverypart": nil,
	"extracttext": nil, "replace": nil, "enclose": nil, "fcc": nil,
	"comparator-i;octet": nil, "comparator-i;ascii-casemap": nil, "comparator-i;ascii-numeric": nil,
	"comparator-i;unicode-casemap": nil,
}

// language is the tables a script is compiled with.
type language struct {
	specs        map[string]*spec
	capabilities map[string][]string
}

// newLanguage makes the tables of lists.
func newLanguage(caps map[string][]string, lists ...[]spec) *language {
	l := &language{specs: map[string]*spec{}, capabilities: caps}
	for _, list := range lists {
		for i := range list {
			l.specs[list[i].name] = &list[i]
		}
	}
	return l
}

// standard is the language users write in.
var standard = newLanguage(capabilities, specs)
