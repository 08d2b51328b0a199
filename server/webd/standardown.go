package webd

import (
	"net/url"
	"strconv"
	"strings"

	"tegami/mail"
)

// folders shows the folders with what can be done to them.
func (v *visit) folders() {
	v.said()
	v.show("folders", v.T("webmail.folders"), nil)
}

// changeFolders makes, renames, empties or removes a folder.
func (v *visit) changeFolders() {
	id, name := v.r.PostFormValue("id"), v.typed("name")
	b := v.boxOf(id)
	do := v.r.PostFormValue("do")
	if b == nil && do != "create" {
		v.fail(mail.E("webd.changeFolders", mail.NotFound, "webmail.folder.gone"))
		return
	}
	var err error
	switch do {
	case "create":
		var parent any
		if in := v.boxOf(v.r.PostFormValue("parent")); in != nil {
			parent = in.ID
		}
		_, err = v.set("Mailbox/set", args{"create": args{"new": args{"name": name, "parentId": parent}}})
	case "rename":
		_, err = v.set("Mailbox/set", args{"update": args{id: args{"name": name}}})
	case "remove", "empty":
		text := v.T("webmail.folder.delete_loses", b.Label, b.Total)
		if do == "empty" {
			text = v.T("webmail.folder.empty_loses", b.Label, b.Total)
		}
		if v.r.PostFormValue("sure") == "" {
			title := map[string]string{"remove": "webmail.folder.delete", "empty": "webmail.folder.empty"}[do]
			v.ask(question{Title: v.T(title), Text: text, Path: "/standard/folders", Fields: []line{{"do", do}, {"id", id}}, Back: "/standard/folders"})
			return
		}
		if do == "empty" {
			err = v.empty(b)
		} else {
			_, err = v.set("Mailbox/set", args{"destroy": []string{id}, "onDestroyRemoveEmails": true})
		}
	}
	if err != nil {
		v.Wrong = v.words(err)
		v.showAs(422, "folders", v.T("webmail.folders"), nil)
		return
	}
	v.leave("/standard/folders", url.Values{"done": {"kept"}})
}

// Limits of emptying a folder by one form: what is left is told by the folder's number.
const (
	emptyStep  = 500
	emptySteps = 40
)

// empty destroys what lies in a folder.
func (v *visit) empty(b *box) error {
	for range emptySteps {
		var ids found
		if err := v.talk(ask{"Email/query", args{"filter": args{"inMailbox": b.ID}, "limit": emptyStep}, &ids}); err != nil {
			return err
		}
		if len(ids.IDs) == 0 {
			return nil
		}
		if _, err := v.set("Email/set", args{"destroy": ids.IDs}); err != nil {
			return err
		}
	}
	return nil
}

// settingsPage shows the reader's own choices, his signature and his password.
func (v *visit) settingsPage() {
	var l letter
	if err := v.identities(&l); err != nil {
		v.fail(err)
		return
	}
	v.said()
	v.show("settings", v.T("webmail.settings.title"), l.from())
}

// pageSizes are what can be chosen.
var pageSizes = []int{10, 25, 50, 100}

// PageSizes are how many rows a page may have.
func (v *visit) PageSizes() []int { return pageSizes }

// undoTimes are what can be chosen, in seconds.
var undoTimes = []int{0, 5, 10, 30, 60}

// UndoTimes are for how long a letter can be taken back.
func (v *visit) UndoTimes() []int { return undoTimes }

// changeSettings keeps the reader's choices and his signature.
func (v *visit) changeSettings() {
	change := args{"language": v.typed("language"), "timeZone": v.typed("timezone"), "remotePictures": "ask", "signaturePlace": "above", "composeCharset": "utf-8"}
	for field, name := range map[string]string{"pagesize": "pageSize", "undo": "undoSeconds"} {
		if n, err := strconv.Atoi(v.typed(field)); err == nil {
			change[name] = n
		}
	}
	if v.r.PostFormValue("pictures") != "" {
		change["remotePictures"] = "always"
	}
	if v.r.PostFormValue("below") != "" {
		change["signaturePlace"] = "below"
	}
	if v.r.PostFormValue("jis") != "" {
		change["composeCharset"] = "iso-2022-jp"
	}
	_, err := v.set("Settings/set", args{"update": args{"singleton": change}})
	if id := v.typed("identity"); err == nil && id != "" {
		_, err = v.set("Identity/set", args{"update": args{id: args{"textSignature": strings.TrimRight(cleanText(v.r.PostFormValue("signature")), "\r\n ")}}})
	}
	if err != nil {
		v.refuseSettings(err)
		return
	}
	if l := v.typed("language"); l == "ja" || l == "en" {
		rememberLang(v.w, l)
	}
	v.leave("/standard/settings", url.Values{"done": {"kept"}})
}

func (v *visit) refuseSettings(err error) {
	v.Wrong = v.words(err)
	var l letter
	if err := v.identities(&l); err != nil {
		v.fail(err)
		return
	}
	v.showAs(422, "settings", v.T("webmail.settings.title"), l.from())
}

// changePassword changes the reader's own password. His other sessions end.
func (v *visit) changePassword() {
	dir, password := v.server.dir, v.r.PostFormValue("password")
	if password != v.r.PostFormValue("again") {
		v.refuseSettings(mail.E("webd.changePassword", mail.Invalid, "login.not_the_same"))
		return
	}
	c, err := dir.CallerBySession(v.r.Context(), v.server.browser(v.r).Origin, cookie(v.r, sessionCookie))
	if err == nil {
		err = dir.ChangeOwnPassword(v.r.Context(), c, v.r.PostFormValue("old"), password)
	}
	if err != nil {
		v.refuseSettings(err)
		return
	}
	v.leave("/standard/settings", url.Values{"done": {"kept"}})
}
