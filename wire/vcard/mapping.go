package vcard

// mapping says where the values of a property of vCard stand in JSContact (RFC 9555 §2).
type mapping struct {
	name  string // of the property
	in    string // property of the card that holds the objects
	value string // their member with the value
	kind  string // their kind; "" for the one that is meant without a word
	uri   bool   // the value is a URI, and so not escaped
}

// mappings are the properties whose values are one text or one URI. Of several for one property of the card the first without a
// kind is that for objects of all other kinds.
var mappings = []mapping{
	{name: "NICKNAME", in: "nicknames", value: "name"},
	{name: "TITLE", in: "titles", value: "name"},
	{name: "ROLE", in: "titles", value: "name", kind: "role"},
	{name: "EMAIL", in: "emails", value: "address"},
	{name: "TEL", in: "phones", value: "number"},
	{name: "IMPP", in: "onlineServices", value: "uri", uri: true},
	{name: "SOCIALPROFILE", in: "onlineServices", value: "uri", uri: true},
	{name: "LANG", in: "preferredLanguages", value: "language"},
	{name: "URL", in: "links", value: "uri", uri: true},
	{name: "CONTACT-URI", in: "links", value: "uri", kind: "contact", uri: true},
	{name: "NOTE", in: "notes", value: "note"},
	{name: "PHOTO", in: "media", value: "uri", kind: "photo", uri: true},
	{name: "LOGO", in: "media", value: "uri", kind: "logo", uri: true},
	{name: "SOUND", in: "media", value: "uri", kind: "sound", uri: true},
	{name: "SOURCE", in: "directories", value: "uri", kind: "entry", uri: true},
	{name: "ORG-DIRECTORY", in: "directories", value: "uri", kind: "directory", uri: true},
	{name: "CALURI", in: "calendars", value: "uri", kind: "calendar", uri: true},
	{name: "FBURL", in: "calendars", value: "uri", kind: "freeBusy", uri: true},
	{name: "CALADRURI", in: "schedulingAddresses", value: "uri", uri: true},
	{name: "KEY", in: "cryptoKeys", value: "uri", uri: true},
	{name: "EXPERTISE", in: "personalInfo", value: "value", kind: "expertise"},
	{name: "HOBBY", in: "personalInfo", value: "value", kind: "hobby"},
	{name: "INTEREST", in: "personalInfo", value: "value", kind: "interest"},
}

// byName finds the mapping of a property of vCard.
var byName = func() map[string]*mapping {
	all := make(map[string]*mapping)
	for i := range mappings {
		all[mappings[i].name] = &mappings[i]
	}
	return all
}()

// features are the types of telephones, and what JSContact calls them (RFC 9553 §2.3.3).
var features = [][2]string{
	{"voice", "voice"}, {"fax", "fax"}, {"cell", "mobile"}, {"pager", "pager"}, {"text", "text"}, {"textphone", "textphone"}, {"video", "video"}, {"main-number", "main-number"},
}

// contexts are the types of places, and what JSContact calls them (RFC 9553 §1.5.1, §2.5.1).
var contexts = [][2]string{{"home", "private"}, {"work", "work"}, {"billing", "billing"}, {"delivery", "delivery"}}

// anniversaries are the properties with dates, and the kind of them (RFC 9553 §2.8.1).
var anniversaries = [][2]string{{"BDAY", "birth"}, {"DEATHDATE", "death"}, {"ANNIVERSARY", "wedding"}}

// texts are properties of the card that are one text, and the property of vCard that holds it.
var texts = [][2]string{{"PRODID", "prodId"}, {"UID", "uid"}, {"KIND", "kind"}, {"LANGUAGE", "language"}}

// instantsOf are properties of the card that are a time.
var instantsOf = [][2]string{{"CREATED", "created"}, {"REV", "updated"}}

// nameParts are the kinds of the name's components in the order in which N has them (RFC 6350 §6.2.2, RFC 9554 §2.2).
var nameParts = []string{"surname", "given", "given2", "title", "credential", "surname2", "generation"}

// addressParts are the kinds of an address's components in the order in which ADR has them (RFC 6350 §6.3.1, RFC 9554 §2.1). Where one of
// those behind the seventh is there, what stands second and third only repeats them.
var addressParts = []string{
	"postOfficeBox", "apartment", "name", "locality", "region", "postcode", "country",
	"room", "apartment", "floor", "number", "name", "building", "block", "subdistrict", "district", "landmark", "direction",
}

// plainAddress is how many of them were there before RFC 9554.
const plainAddress = 7

// phonetics are the properties for the reading of a name, and the kind of component that it is of.
var phonetics = [][2]string{{"X-PHONETIC-LAST-NAME", "surname"}, {"X-PHONETIC-FIRST-NAME", "given"}, {"X-PHONETIC-MIDDLE-NAME", "given2"}}

// second finds what stands beside the first in a table.
func second(table [][2]string, first string) (string, bool) {
	for _, row := range table {
		if row[0] == first {
			return row[1], true
		}
	}
	return "", false
}
