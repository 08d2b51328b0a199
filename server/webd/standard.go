package webd

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/jmap"
)

// standardPath is where the Standard webmail is (SV-1): pages made here, without any script, for every browser.
const standardPath = "/standard/"

//go:embed standard
var standardText embed.FS

// standardPages are its templates.
var standardPages = template.Must(template.New("").Funcs(template.FuncMap{"less": func(n int) int { return n - 1 }, "more": func(n int) int { return n + 1 }}).ParseFS(standardText, "standard/*.html"))

// standardPolicy lets a page load its style, the company's mark, and the frame that shows a mail. Nothing runs.
const standardPolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// standardRoutes says who answers what.
func (s *Server) standardRoutes() {
	for pattern, answer := range map[string]func(*visit){
		"GET /standard/{$}": (*visit).list, "GET /standard/search": (*visit).searchForm, "POST /standard/act": (*visit).act,
		"GET /standard/read": (*visit).read, "GET /standard/body": (*visit).body,
		"GET /standard/write": (*visit).write, "POST /standard/write": (*visit).written, "GET /standard/people": (*visit).people, "POST /standard/people": (*visit).pick, "POST /standard/undo": (*visit).undo,
		"GET /standard/folders": (*visit).folders, "POST /standard/folders": (*visit).changeFolders,
		"GET /standard/contacts": (*visit).contacts, "POST /standard/contacts": (*visit).changeBooks, "GET /standard/card": (*visit).card, "POST /standard/card": (*visit).changeCard,
		"GET /standard/directory": (*visit).directory,
		"GET /standard/filters":   (*visit).filters, "POST /standard/filters": (*visit).changeFilters, "GET /standard/filter": (*visit).filter, "POST /standard/filter": (*visit).changeFilter,
		"GET /standard/quarantine": (*visit).quarantine, "POST /standard/quarantine": (*visit).changeQuarantine, "GET /standard/held": (*visit).held,
		"GET /standard/senders": (*visit).senders, "POST /standard/senders": (*visit).changeSenders,
		"GET /standard/vacation": (*visit).vacation, "POST /standard/vacation": (*visit).changeVacation,
		"GET /standard/settings": (*visit).settingsPage, "POST /standard/settings": (*visit).changeSettings, "POST /standard/password": (*visit).changePassword, "POST /standard/version": (*visit).changeVersion,
	} {
		s.mux.HandleFunc(pattern, s.visited(pattern, answer))
	}
	s.mux.Handle("GET /standard", http.RedirectHandler(standardPath, http.StatusSeeOther))
}

// A visit is one request of somebody who is signed in, and the page that answers it.
type visit struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	who     *directory.Identity
	account jmap.Id

	Lang     i18n.Lang
	Form     string // token of forms
	Settings settings
	Branding branding
	Quota    quota
	Boxes    []box
	zone     *time.Location
	now      time.Time

	View    string // which template is the page's middle
	Title   string // in words
	Wrong   string // what was wrong, in words
	Note    string // what was done, in words
	UndoID  jmap.Id
	At      listAt // which list the reader comes from
	Content any    // what the view shows
}

// visited lets in who is signed in and has a mailbox; everybody else is led to the sign-in page, or away. Forms must be of this browser.
func (s *Server) visited(pattern string, answer func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", standardPolicy)
		w.Header().Set("Cache-Control", "no-store")
		who, err := s.dir.IdentityBySession(r.Context(), directory.Webmail(s.browser(r).Origin), cookie(r, sessionCookie))
		if err != nil {
			s.turnAway(w, r, err)
			return
		}
		v := &visit{server: s, w: w, r: r, who: who, account: jmap.Of(jmap.LetterAccount, who.Account().ID), Lang: readerLang(r), now: time.Now()}
		if s.config.JMAP == nil {
			http.NotFound(w, r)
			return
		}
		v.Form = ensureForm(w, r)
		if err := v.begin(); err != nil {
			v.fail(err)
			return
		}
		if strings.HasPrefix(pattern, "POST") && r.URL.Path != writePath && !ownForm(r) {
			v.fail(mail.E("webd.visited", mail.Denied, "auth.foreign_page"))
			return
		}
		answer(v)
	}
}

// turnAway leads to the sign-in page, and from there back to a page that was only to be read.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	if key, _ := mail.TextOf(err); key == "auth.no_box" {
		http.Redirect(w, r, panelPath, http.StatusSeeOther)
		return
	}
	if mail.KindOf(err) != mail.Denied {
		s.log.Error("session", "err", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	next := standardPath
	if r.Method == http.MethodGet {
		next = r.URL.RequestURI()
	}
	http.Redirect(w, r, "/login?"+url.Values{"next": {next}}.Encode(), http.StatusSeeOther)
}

// begin reads what every page shows.
func (v *visit) begin() error {
	var s listOf[settings]
	var b listOf[branding]
	var boxes listOf[box]
	var q listOf[quota]
	err := v.talk(
		ask{"Settings/get", args{"ids": nil}, &s}, ask{"Branding/get", args{"ids": nil}, &b}, ask{"Mailbox/get", args{"ids": nil}, &boxes}, ask{"Quota/get", args{"ids": nil}, &q},
	)
	v.Settings, _ = s.first()
	v.Branding, _ = b.first()
	v.Quota, _ = q.first()
	if l, ok := i18n.ParseLang(v.Settings.Language); ok && v.Settings.Language != "" && v.r.URL.Query().Get("lang") == "" {
		v.Lang = l
	}
	if v.zone, _ = time.LoadLocation(v.Settings.TimeZone); v.zone == nil {
		v.zone = time.UTC
	}
	v.Settings.PageSize = cmp.Or(v.Settings.PageSize, 25)
	v.Boxes = v.tree(boxes.List)
	v.At = readListAt(v.r.URL.Query())
	return err
}

// roleOrder is how folders with a purpose stand, before all others.
var roleOrder = []string{"inbox", "drafts", "sent", "scheduled", "snoozed", "archive", "junk", "trash"}

// tree puts folders in the order in which they are shown.
func (v *visit) tree(list []box) (out []box) {
	below := map[jmap.Id][]box{}
	known := map[jmap.Id]bool{}
	for _, b := range list {
		known[b.ID] = true
	}
	for _, b := range list {
		b.Label = b.Name
		if slices.Contains(roleOrder, b.Role) {
			b.Label = v.T(boxWords[b.Role])
		}
		if !known[b.ParentID] {
			b.ParentID = ""
		}
		below[b.ParentID] = append(below[b.ParentID], b)
	}
	var walk func(of jmap.Id, depth int)
	walk = func(of jmap.Id, depth int) {
		list := below[of]
		delete(below, of)
		slices.SortFunc(list, func(a, b box) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Label, b.Label))
		})
		for _, b := range list {
			b.Depth = min(depth, 8)
			out = append(out, b)
			walk(b.ID, depth+1)
		}
	}
	walk("", 0)
	return out
}

func rank(b box) int {
	if at := slices.Index(roleOrder, b.Role); at >= 0 {
		return at
	}
	return len(roleOrder)
}

// boxWords are what folders with a purpose are called.
var boxWords = map[string]string{
	"inbox": "webmail.box.inbox", "drafts": "webmail.box.drafts", "sent": "webmail.box.sent", "scheduled": "webmail.box.scheduled", "snoozed": "webmail.box.snoozed",
	"archive": "webmail.box.archive", "junk": "webmail.box.junk", "trash": "webmail.box.trash",
}

// boxOf gives a folder by its id or its role, nil where there is none.
func (v *visit) boxOf(name string) *box {
	for i, b := range v.Boxes {
		if name != "" && (string(b.ID) == name || b.Role == name) {
			return &v.Boxes[i]
		}
	}
	return nil
}

// need gives the folder of a role, and makes it where there is none.
func (v *visit) need(role string) (jmap.Id, error) {
	if b := v.boxOf(role); b != nil {
		return b.ID, nil
	}
	return v.set("Mailbox/set", args{"create": args{"new": args{"name": v.T(boxWords[role]), "role": role}}})
}

// show writes a page.
func (v *visit) show(view, title string, content any) { v.showAs(http.StatusOK, view, title, content) }

func (v *visit) showAs(status int, view, title string, content any) {
	v.View, v.Title, v.Content = view, title, content
	var text bytes.Buffer
	if err := standardPages.ExecuteTemplate(&text, "page.html", v); err != nil {
		v.server.log.Error("page", "view", view, "err", err)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.Lang))
	v.w.WriteHeader(status)
	v.w.Write(text.Bytes())
}

// fail shows a page that says what is wrong and nothing else.
func (v *visit) fail(err error) {
	status := http.StatusUnprocessableEntity
	var r *refusal
	if kind := mail.KindOf(err); !errors.As(err, &r) {
		status = statuses[kind]
		if kind == mail.Other || kind == mail.Unavailable {
			v.server.log.Error("webmail", "path", v.r.URL.Path, "err", err)
		}
	} else if r.kind == jmap.NotFound {
		status = http.StatusNotFound
	}
	v.Wrong = v.words(err)
	v.showAs(status, "nothing", v.T("standard.problem"), nil)
}

// gone says that what was asked for is not there any more.
func (v *visit) gone() { v.fail(&refusal{kind: jmap.NotFound}) }

// leave leads to another page of the webmail after something was done.
func (v *visit) leave(path string, query url.Values) {
	if text := query.Encode(); text != "" {
		path += "?" + text
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}

// T gives a text in the reader's language.
func (v *visit) T(key string, args ...any) string {
	return v.server.config.Words.Text(v.Lang, key, args...)
}

// Asset is where a file of the page is.
func (v *visit) Asset(name string) string { return v.server.assets.path(name) }

// Me is the reader's own address.
func (v *visit) Me() string { return v.who.Account().Address.String() }

// Service is the name of the service, where the company has no mark of its own.
func (v *visit) Service() string { return v.server.config.Service }

// Other is the language that the page is not in.
func (v *visit) Other() string {
	if v.Lang == i18n.Japanese {
		return "en"
	}
	return "ja"
}
