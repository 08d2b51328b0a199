package imapd

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tegami/i18n"
	"tegami/mail"
)

// codes are the response codes of RFC 9051 §7.1, RFC 5530, RFC 6154, RFC 7162 and RFC 9208 that refusals may carry.
var codes = []string{"", "ALREADYEXISTS", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "BADCHARSET", "BADEVENT", "CANNOT", "COMPRESSIONACTIVE", "HASCHILDREN",
	"INUSE", "LIMIT", "METADATA", "NONEXISTENT", "NOPERM", "NOTIFICATIONOVERFLOW", "OVERQUOTA", "PRIVACYREQUIRED", "SERVERBUG", "TOOBIG", "TRYCREATE",
	"UIDREQUIRED", "UNAVAILABLE", "UNKNOWN-CTE", "USEATTR"}

func TestEveryKindHasARefusal(t *testing.T) {
	for _, k := range mail.Kinds() {
		r, ok := byKind[k]
		if !ok || r.status != "NO" || r.code == "" {
			t.Errorf("%v: %+v", k, r)
		}
	}
	for k, r := range byKind {
		checkRefusal(t, k.String(), r)
	}
	for key, r := range byKey {
		checkRefusal(t, key, r)
	}
}

func checkRefusal(t *testing.T, what string, r refusal) {
	t.Helper()
	code, _, _ := strings.Cut(r.code, " ")
	if !slices.Contains(codes, code) || r.status != "NO" && (r.status != "BAD" || r.code != "" && r.code != "UIDREQUIRED") {
		t.Errorf("%s: %+v", what, r)
	}
}

// Each key that has an answer of its own has a text: a key that was renamed elsewhere shows here.
func TestRefusedKeysHaveTexts(t *testing.T) {
	words := i18n.New()
	for key := range byKey {
		if !words.Has(i18n.English, key) {
			t.Errorf("%s has no text", key)
		}
	}
}

func TestRefusalOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want refusal
	}{
		{errors.New("from elsewhere"), refusal{"NO", "SERVERBUG"}},
		{mail.E("x", mail.Full, "box.full"), refusal{"NO", "OVERQUOTA"}},
		{mail.Wrap("y", mail.E("x", mail.Denied, "option.imaps_not_contracted")), refusal{"NO", "AUTHORIZATIONFAILED"}},
		{mail.Because("x", mail.Unavailable, "", errors.New("disk")), refusal{"NO", "UNAVAILABLE"}},
		{target(mail.E("x", mail.NotFound, "mailbox.unknown")), refusal{"NO", "NONEXISTENT"}}, // TRYCREATE is put in by refuse
	} {
		if got, _ := refusalOf(c.err); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.err, got, c.want)
		}
	}
	if _, ok := target(mail.E("x", mail.NotFound, "mailbox.unknown")).(missing); !ok {
		t.Error("no TRYCREATE for a missing target")
	}
}

// Every command is allowed somewhere, and what is announced is there.
func TestCommandTable(t *testing.T) {
	for name, c := range commands {
		if c.states == 0 || c.states&^anyState != 0 || c.run == nil || name != strings.ToUpper(name) {
			t.Errorf("%s: %+v", name, c)
		}
		if uid, ok := strings.CutPrefix(name, "UID "); ok && commands[uid].states != c.states {
			t.Errorf("%s is allowed elsewhere than %s", name, uid)
		}
	}
	for capability, verbs := range map[string][]string{
		"IDLE": {"IDLE"}, "MOVE": {"MOVE", "UID MOVE"}, "NAMESPACE": {"NAMESPACE"}, "UNSELECT": {"UNSELECT"}, "ID": {"ID"},
		"QUOTA": {"GETQUOTA", "GETQUOTAROOT"}, "UIDPLUS": {"UID EXPUNGE"}, "ENABLE": {"ENABLE"},
	} {
		if !slices.Contains(capabilitiesAfter, capability) {
			t.Errorf("%s is not announced", capability)
		}
		for _, v := range verbs {
			if commands[v].run == nil {
				t.Errorf("%s is announced without %s", capability, v)
			}
		}
	}
}
