package notice

import (
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/queue"
	"tegami/wire/compose"
	"tegami/wire/mime"
)

// maxExplained is how many recipients of one action the text for people names.
const maxExplained = 50

// explain writes the first part of a notification: what happened, about whom, to which message, and
// what can be done.
func (d *dsn) explain(w *words) string {
	var b strings.Builder
	for i := range actions {
		d.explainAction(&b, w, i)
	}
	d.explainOriginal(&b, w)
	for i := range actions {
		if a := &actions[i]; len(d.by[i]) > 0 && a.advice != "" {
			b.WriteString(w.paragraph(w.text(a.advice)) + "\n\n")
		}
	}
	b.WriteString(w.footer(d.service, !d.item.Sender.IsZero()))
	return b.String()
}

// explainAction writes about the recipients with one kind of news.
func (d *dsn) explainAction(b *strings.Builder, w *words, i int) {
	list := d.by[i]
	if len(list) == 0 {
		return
	}
	b.WriteString(w.paragraph(w.text(actions[i].lead)) + "\n\n")
	for _, r := range list[:min(len(list), maxExplained)] {
		b.WriteString("  " + w.show(r.Address) + "\n")
		if sentence := d.sentence(w, r); sentence != "" {
			b.WriteString(indent(w.paragraph(sentence)))
		}
		if r.Answer != "" {
			b.WriteString(indent(w.text("dsn.answer", host(w, r), r.Answer)))
		}
		b.WriteString("\n")
	}
	if more := len(list) - maxExplained; more > 0 {
		b.WriteString("  " + w.text("dsn.more", more) + "\n\n")
	}
}

// indent puts a text's lines under the recipient they are about.
func indent(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

// sentence says why a recipient failed, or until when a late one is tried; "" for all else.
func (d *dsn) sentence(w *words, r *queue.Recipient) string {
	switch r.Outcome {
	case queue.Failed:
		known, ok := reasons[r.Reason]
		if !ok {
			return unlisted(w, r)
		}
		return w.text(known.text, r.Address, host(w, r), status(r), d.days())
	case queue.Waiting:
		return strings.TrimSpace(inShort(w, r) + " " + w.text("dsn.why.delayed", d.until()))
	}
	return ""
}

// unlisted is the sentence for a reason that the table does not know.
func unlisted(w *words, r *queue.Recipient) string {
	return strings.TrimSpace(w.text("dsn.why.other", r.Address, host(w, r), status(r)) + " " + inShort(w, r))
}

// inShort is the catalogue's text for a reason, "" where it has none.
func inShort(w *words, r *queue.Recipient) string {
	if r.Reason == "" || !w.catalogue.Has(w.lang, r.Reason) {
		return ""
	}
	return w.text(r.Reason, r.Address)
}

// host names who refused: the other host, or this service.
func host(w *words, r *queue.Recipient) string {
	if r.Host == "" {
		return w.text("dsn.here")
	}
	return r.Host
}

// explainOriginal says which message it is about, as its sender knows it.
func (d *dsn) explainOriginal(b *strings.Builder, w *words) {
	b.WriteString(w.text("dsn.original") + "\n")
	line := func(label string, v any) { b.WriteString("  " + w.text("notice.line", key(label), v) + "\n") }
	if subject := mime.DecodeHeader(mime.Header(d.header).Get("Subject")); subject != "" {
		line("notice.subject", subject)
	}
	if !d.item.Origin.Received.IsZero() {
		line("notice.received", d.item.Origin.Received)
	}
	if d.item.MessageID != "" {
		line("notice.message_id", d.item.MessageID)
	}
	if d.item.Trace != "" {
		line("notice.trace", d.item.Trace)
	}
	b.WriteString("\n")
}

// days is for how many days a message is tried.
func (d *dsn) days() int { return int((d.lifetime + 12*time.Hour) / (24 * time.Hour)) }

// until is when a message that waits is given up.
func (d *dsn) until() time.Time {
	from := d.item.Origin.Received
	if from.Before(d.item.Opts.HoldUntil) {
		from = d.item.Opts.HoldUntil
	}
	return from.Add(d.lifetime)
}

// subject names the worst news in each language of the text.
func (d *dsn) subject(all []words) string {
	worst := 0
	for len(d.by[worst]) == 0 && worst < len(actions)-1 {
		worst++
	}
	said := make([]string, len(all))
	for i := range all {
		said[i] = all[i].text(actions[worst].subject)
	}
	return strings.Join(said, " / ")
}

// footer ends every mail of the platform: whom to ask, for those whose company is a customer, and that nobody reads answers.
func (w *words) footer(service string, ours bool) string {
	contact := ""
	if ours {
		contact = w.paragraph(w.text("notice.contact")) + "\n"
	}
	return contact + w.paragraph(w.text("notice.no_reply")) + "\n\n" + compose.OneLine(service) + "\n"
}

// bothLanguages joins texts of several languages, with a rule between them.
func bothLanguages(all []words, one func(*words) string) string {
	texts := make([]string, len(all))
	for i := range all {
		texts[i] = one(&all[i])
	}
	return strings.Join(texts, "\n"+rule+"\n\n")
}

// inLangs makes the words of some languages.
func inLangs(c *i18n.Catalogue, zone *time.Location, langs []i18n.Lang) []words {
	all := make([]words, len(langs))
	for i, l := range langs {
		all[i] = words{c, l, zone}
	}
	return all
}

// sender is the address of all mail of the platform to people. Nobody reads what comes there.
func sender(w *words, hostname string) compose.Mailbox {
	return compose.Mailbox{Name: w.text("notice.from"), Address: mail.Address{Local: "noreply", Domain: hostname}}
}
