package directory

import (
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Profile is what an account or a contact says about a person, as address books show it (ML-6) and CSV files bring it. All of it is
// text of one line but for Memo; nothing is computed from it but the order of lists.
type Profile struct {
	LastName    string `json:"lastName,omitempty"`    // 姓
	FirstName   string `json:"firstName,omitempty"`   // 名
	LastKana    string `json:"lastKana,omitempty"`    // ふりがな of LastName: by what Japanese lists are sorted
	FirstKana   string `json:"firstKana,omitempty"`   // ふりがな of FirstName
	DisplayName string `json:"displayName,omitempty"` // 表示名; "" = LastName and FirstName
	Company     string `json:"company,omitempty"`
	Department  string `json:"department,omitempty"`
	Title       string `json:"title,omitempty"` // of the position, 役職
	Phone       string `json:"phone,omitempty"` // as written: leading zeros stay
	Extension   string `json:"extension,omitempty"`
	Mobile      string `json:"mobile,omitempty"`
	Memo        string `json:"memo,omitempty"` // for administrators; not in address books
}

// MaxMemo is the length of a profile's memo in octets. All other parts are at most MaxName.
const MaxMemo = 4096

// Name is how a person is called: the display name, else the names there are.
func (p *Profile) Name() string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return strings.TrimSpace(p.LastName + " " + p.FirstName)
}

// Kana is the reading of the name, "" where none is known.
func (p *Profile) Kana() string { return strings.TrimSpace(p.LastKana + " " + p.FirstKana) }

// lines are the parts that are one line each.
func (p *Profile) lines() []*string {
	return []*string{
		&p.LastName, &p.FirstName, &p.LastKana, &p.FirstKana, &p.DisplayName, &p.Company,
		&p.Department, &p.Title, &p.Phone, &p.Extension, &p.Mobile,
	}
}

// checked gives the profile in its stored form. Invalid "name.malformed", "profile.memo".
func (p Profile) checked(op mail.Op) (Profile, error) {
	for _, s := range p.lines() {
		*s = strings.TrimSpace(*s)
		if len(*s) > MaxName || !utf8.ValidString(*s) || hasControls(*s) {
			return p, mail.E(op, mail.Invalid, "name.malformed", MaxName)
		}
	}
	p.Memo = strings.TrimSpace(p.Memo)
	if len(p.Memo) > MaxMemo || !utf8.ValidString(p.Memo) || strings.ContainsRune(p.Memo, 0) {
		return p, mail.E(op, mail.Invalid, "profile.memo", MaxMemo)
	}
	return p, nil
}
