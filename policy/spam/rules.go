package spam

// A rule is a trait of a message with a weight of its own.
type rule uint8

// Rules. Their order is of no meaning.
const (
	ruleGTUBE rule = iota
	ruleSPFFail
	ruleSPFSoftfail
	ruleDKIMPass
	ruleDKIMFail
	ruleDMARCPass
	ruleDMARCFail
	ruleDMARCReject
	ruleARCPass

	ruleNoDate
	ruleBadDate
	ruleStaleDate
	ruleNoFrom
	ruleNoMessageID
	ruleNoRecipient
	ruleSelfSent
	ruleManyFrom
	ruleBlankSubject
	ruleLoudSubject
	ruleGappySubject
	ruleNumberedSubject
	ruleFalseReply
	ruleAnswer
	ruleNameIsAddress
	ruleBrandName
	ruleReplyElsewhere
	ruleOddAuthor
	ruleNeedlessEncoding
	rulePlain8Bit
	ruleHeloAddress

	ruleHTMLOnly
	ruleEncodedText
	ruleUnknownCharset
	ruleBrokenText
	ruleMixedScripts
	ruleInvisible
	ruleShouting

	ruleHidden
	ruleTiny
	ruleOneImage
	ruleForm
	ruleScript
	ruleSmuggling
	ruleSplitWords
	ruleEntities

	ruleIPLink
	ruleCodedHost
	ruleUserLink
	rulePortLink
	ruleShortener
	rulePunycode
	ruleLookAlike
	ruleBrandLink
	ruleMismatch
	ruleRedirect
	ruleCheapDomain
	ruleFileLink

	ruleProgram
	ruleDoubleName
	ruleHTMLFile
	ruleLockedArchive
	ruleWrongKind
	ruleFinding

	ruleListed
	ruleOpinion
	ruleFirstContact
	ruleOwnName
	ruleOwnDomain
	ruleNearOwnDomain
	ruleReputation
	ruleBulk
	ruleInternal
	ruleWords
	ruleBase
	ruleUnknown
	ruleCount
)

// ruleTable gives each rule its words and what it weighs in log odds. A weight of 0 is worked out where the rule is found.
// The weights of traits that can be seen without asking anybody were fitted by lab/spam and rounded; those of facts, lists and
// memory are judgement.
var ruleTable = [ruleCount]struct {
	key    string
	weight float64
}{
	ruleGTUBE:       {"spam.reason.gtube", 0},
	ruleSPFFail:     {"spam.reason.spf_fail", 1.2},
	ruleSPFSoftfail: {"spam.reason.spf_softfail", 0.6},
	ruleDKIMPass:    {"spam.reason.dkim_pass", -0.2},
	ruleDKIMFail:    {"spam.reason.dkim_fail", 0.4},
	ruleDMARCPass:   {"spam.reason.dmarc_pass", -0.6},
	ruleDMARCFail:   {"spam.reason.dmarc_fail", 1.2},
	ruleDMARCReject: {"spam.reason.dmarc_reject", 3},
	ruleARCPass:     {"spam.reason.arc_pass", -0.8},

	ruleNoDate:           {"spam.reason.no_date", 1},
	ruleBadDate:          {"spam.reason.bad_date", 1.5},
	ruleStaleDate:        {"spam.reason.stale_date", 0.8},
	ruleNoFrom:           {"spam.reason.no_from", 2},
	ruleNoMessageID:      {"spam.reason.no_message_id", 1.5},
	ruleNoRecipient:      {"spam.reason.no_recipient", 0.8},
	ruleSelfSent:         {"spam.reason.self_sent", 0.8},
	ruleManyFrom:         {"spam.reason.many_from", 1},
	ruleBlankSubject:     {"spam.reason.blank_subject", 0.5},
	ruleLoudSubject:      {"spam.reason.loud_subject", 0.4},
	ruleGappySubject:     {"spam.reason.gappy_subject", 1.2},
	ruleNumberedSubject:  {"spam.reason.numbered_subject", 1},
	ruleFalseReply:       {"spam.reason.false_reply", 0.2},
	ruleAnswer:           {"spam.reason.answer", -0.6},
	ruleNameIsAddress:    {"spam.reason.name_is_address", 2},
	ruleBrandName:        {"spam.reason.brand_name", 2.5},
	ruleReplyElsewhere:   {"spam.reason.reply_elsewhere", 1.2},
	ruleOddAuthor:        {"spam.reason.odd_author", 0.3},
	ruleNeedlessEncoding: {"spam.reason.needless_encoding", 0.5},
	rulePlain8Bit:        {"spam.reason.plain_8bit", 1.5},
	ruleHeloAddress:      {"spam.reason.helo_address", 1.2},

	ruleHTMLOnly:       {"spam.reason.html_only", 0.9},
	ruleEncodedText:    {"spam.reason.encoded_text", 1.5},
	ruleUnknownCharset: {"spam.reason.unknown_charset", 1.2},
	ruleBrokenText:     {"spam.reason.broken_text", 0.3},
	ruleMixedScripts:   {"spam.reason.mixed_scripts", 1.5},
	ruleInvisible:      {"spam.reason.invisible", 1},
	ruleShouting:       {"spam.reason.shouting", 1.5},

	ruleHidden:     {"spam.reason.hidden", 0.3},
	ruleTiny:       {"spam.reason.tiny", 0.2},
	ruleOneImage:   {"spam.reason.one_image", 1.8},
	ruleForm:       {"spam.reason.form", 0.8},
	ruleScript:     {"spam.reason.script", 0.2},
	ruleSmuggling:  {"spam.reason.smuggling", 3},
	ruleSplitWords: {"spam.reason.split_words", 1},
	ruleEntities:   {"spam.reason.entities", 0.8},

	ruleIPLink:      {"spam.reason.ip_link", 2},
	ruleCodedHost:   {"spam.reason.coded_host", 0.8},
	ruleUserLink:    {"spam.reason.user_link", 1.5},
	rulePortLink:    {"spam.reason.port_link", 0.2},
	ruleShortener:   {"spam.reason.shortener", 0.5},
	rulePunycode:    {"spam.reason.punycode", 0.5},
	ruleLookAlike:   {"spam.reason.look_alike", 3},
	ruleBrandLink:   {"spam.reason.brand_link", 2.5},
	ruleMismatch:    {"spam.reason.mismatch", 0.8},
	ruleRedirect:    {"spam.reason.redirect", 0.4},
	ruleCheapDomain: {"spam.reason.cheap_domain", 1},
	ruleFileLink:    {"spam.reason.file_link", 0.5},

	ruleProgram:       {"spam.reason.program", 1.5},
	ruleDoubleName:    {"spam.reason.double_name", 3},
	ruleHTMLFile:      {"spam.reason.html_file", 1.2},
	ruleLockedArchive: {"spam.reason.locked_archive", 0.7},
	ruleWrongKind:     {"spam.reason.wrong_kind", 0.8},
	ruleFinding:       {"spam.reason.finding", 0},

	ruleListed:        {"spam.reason.listed", 0},
	ruleOpinion:       {"spam.reason.rspamd", 0},
	ruleFirstContact:  {"spam.reason.first_contact", 0.3},
	ruleOwnName:       {"spam.reason.own_name", 4},
	ruleOwnDomain:     {"spam.reason.own_domain", 2.5},
	ruleNearOwnDomain: {"spam.reason.near_own_domain", 4},
	ruleReputation:    {"spam.reason.reputation", 0},
	ruleBulk:          {"spam.reason.bulk", 0},
	ruleInternal:      {"spam.reason.internal", -2.5},
	ruleWords:         {"spam.reason.words", 0},
	ruleBase:          {"spam.reason.base", 0},
	ruleUnknown:       {"spam.reason.unknown", 0},
}

// A hit is a rule that was found to hold.
type hit struct {
	rule   rule
	weight float64 // 0: as the rule says
	args   []string
}

// maxArg is the longest argument of a reason, in octets.
const maxArg = 120

// hits collects each rule once, the first time it is found.
type hits struct {
	list []hit
	seen [ruleCount]bool
}

func (h *hits) add(r rule, args ...string) { h.weigh(r, ruleTable[r].weight, args...) }

func (h *hits) weigh(r rule, weight float64, args ...string) {
	if h.seen[r] {
		return
	}
	h.seen[r] = true
	for i, a := range args {
		args[i] = cut(a, maxArg)
	}
	h.list = append(h.list, hit{r, weight, args})
}

func (h *hits) addIf(holds bool, r rule, args ...string) {
	if holds {
		h.add(r, args...)
	}
}
