package mime

import "strings"

// An Unsubscription is how a message says that its reader leaves the list it came from; "" for each way it doesn't name.
type Unsubscription struct {
	OneClick string // an https URL to be sent "List-Unsubscribe=One-Click" by POST (RFC 8058)
	MailTo   string // a mailto URL (RFC 2369 §3.2)
	Web      string // an https or http URL of a page
}

// ListUnsubscribe reads List-Unsubscribe (RFC 2369 §3.2) and List-Unsubscribe-Post (RFC 8058 §3.1), of each kind the first URL; false
// where there is none.
func ListUnsubscribe(h Header) (u Unsubscription, ok bool) {
	for f := range h.Fields() {
		if !foldEqual(f.Name, "list-unsubscribe") {
			continue
		}
		urls, _ := URLsForm(f.Value)
		for _, url := range urls {
			u.add(url)
		}
	}
	if post := h.Get("list-unsubscribe-post"); strings.EqualFold(strings.ReplaceAll(post, " ", ""), "List-Unsubscribe=One-Click") && hasScheme(u.Web, "https") {
		u.OneClick = u.Web
	}
	return u, u.Web != "" || u.MailTo != ""
}

func (u *Unsubscription) add(url string) {
	switch {
	case hasScheme(url, "mailto"):
		if u.MailTo == "" {
			u.MailTo = url
		}
	case hasScheme(url, "https"), hasScheme(url, "http"):
		if u.Web == "" {
			u.Web = url
		}
	}
}

func hasScheme(url, scheme string) bool {
	return len(url) > len(scheme) && url[len(scheme)] == ':' && strings.EqualFold(url[:len(scheme)], scheme)
}
