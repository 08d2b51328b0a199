package mailbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
)

// puts appends messages with these header fields.
func (h *house) puts(a *mailbox.Account, headers ...string) {
	h.Helper()
	for _, header := range headers {
		_, err := a.Append(h.Context(), "INBOX", []mailbox.Appended{{Upload: h.upload(a, header+"\r\n\r\ntext\r\n")}})
		h.must(err)
	}
}

// texts gives a fact of all messages of a view.
func (h *house) texts(v *mailbox.View, f mailbox.Fact) (out []string) {
	h.Helper()
	facts, err := v.Facts(h.Context(), seqs(1, uint32(v.Len())), true, f)
	h.must(err)
	for n := range v.Len() {
		out = append(out, string(facts.Text(f, n)))
	}
	return out
}

func TestFacts(t *testing.T) {
	h, a := one(t)
	v := h.selectBox(a, "INBOX")
	h.puts(a,
		"From: \"Sato, Hanako\" <hanako@alpha.example>\r\nSubject: Re: [list] Plan\r\nDate: Mon, 2 Mar 2026 10:00:00 +0900\r\nMessage-ID: <1@a>",
		"From: =?utf-8?q?=E4=BD=90=E8=97=A4?= <Sato@alpha.example>\r\nTo: team: a@b.example;\r\nSubject: plan\r\nReferences: <0@a> <\"1\"@a>",
		"Subject: x\r\nIn-Reply-To: <2@a> <3@a>\r\nCc: c@d.example")
	h.poll(v, true)
	h.equal("subjects", h.texts(v, mailbox.FactSubject), "[PLAN PLAN X]")
	h.equal("from", h.texts(v, mailbox.FactFrom), "[HANAKO SATO ]")
	h.equal("to", h.texts(v, mailbox.FactTo), "[ TEAM ]")
	h.equal("cc", h.texts(v, mailbox.FactCc), "[  C]")
	h.equal("displayed", h.texts(v, mailbox.FactDisplayFrom), "[SATO, HANAKO 佐藤 ]")
	h.equal("displayed to", h.texts(v, mailbox.FactDisplayTo), "[ TEAM ]")
	facts, err := v.Facts(t.Context(), seqs(1, 3), true, mailbox.FactSubject, mailbox.FactSent, mailbox.FactArrival, mailbox.FactSize, mailbox.FactReferences)
	h.must(err)
	h.equal("ranks", []uint32{facts.Rank(mailbox.FactSubject, 0), facts.Rank(mailbox.FactSubject, 1), facts.Rank(mailbox.FactSubject, 2)}, "[1 1 2]")
	h.equal("sent", facts.Number(mailbox.FactSent, 0), 1772413200)
	h.equal("sent as received", facts.Number(mailbox.FactSent, 1), facts.Number(mailbox.FactArrival, 1))
	id1, _, reply := facts.References(0, nil)
	id2, refs, _ := facts.References(1, nil)
	_, parent, reply3 := facts.References(2, nil)
	h.equal("references", []any{id1 != 0, id2, len(refs), refs[1] == id1, refs[0] == id1, len(parent), reply, reply3}, "[true 0 2 true false 1 true false]")
}

// What is remembered of a mailbox is the same as what is read anew, whatever came and went, for views of any age.
func TestFactsGrow(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	old := h.selectBox(a, "INBOX")
	check := func(v *mailbox.View) {
		t.Helper()
		for _, all := range [][]uint32{seqs(1, uint32(v.Len())), every(v.Len(), 3)} {
			facts, err := v.Facts(ctx, all, true, mailbox.FactSubject, mailbox.FactSize)
			h.must(err)
			at := 0
			h.must(v.Fetch(ctx, all, mailbox.WithIndex, func(seq uint32, m *mailbox.Message) error {
				for all[at] < seq {
					at++
				}
				if want := fmt.Sprintf("LETTER %d", m.UID); string(facts.Text(mailbox.FactSubject, at)) != want || facts.Number(mailbox.FactSize, at) != m.Blob.Size {
					t.Errorf("UID %d: %q", m.UID, facts.Text(mailbox.FactSubject, at))
				}
				return nil
			}))
		}
	}
	n := 0
	more := func(k int) {
		for range k {
			n++
			h.puts(a, fmt.Sprintf("Subject: letter %d", n))
		}
	}
	more(10)
	young := h.selectBox(a, "INBOX")
	check(young)
	h.poll(old, true)
	more(5)
	check(old)
	h.poll(young, true)
	check(young)
	check(old)
	_, _, err := young.Store(ctx, []uint32{1, 5, 14}, mailbox.Add, mail.Deleted, 0)
	h.must(err)
	_, err = young.Expunge(ctx, nil)
	h.must(err)
	more(3)
	h.poll(young, true)
	check(young)
	check(old)
	h.poll(old, false)
	check(old)
	late := h.selectBox(a, "INBOX")
	check(late)
}

func every(n, step int) (out []uint32) {
	for seq := 1; seq <= n; seq += step {
		out = append(out, uint32(seq))
	}
	return out
}

// Ranks stand as the values do, for any values.
func TestFactRanks(t *testing.T) {
	h, a := one(t)
	var headers []string
	for i := range 60 {
		headers = append(headers, fmt.Sprintf("Subject: the same beginning %c%d\r\nDate: Mon, %d Mar 2026 10:00:00 +0900", 'a'+i%3, i%7, 1+i*7%28))
	}
	h.puts(a, headers...)
	v := h.selectBox(a, "INBOX")
	for _, f := range []mailbox.Fact{mailbox.FactSubject, mailbox.FactSent} {
		facts, err := v.Facts(t.Context(), seqs(1, 60), true, f)
		h.must(err)
		for i := range 60 {
			for j := range 60 {
				want := facts.Number(mailbox.FactSent, i) < facts.Number(mailbox.FactSent, j)
				if f == mailbox.FactSubject {
					want = string(facts.Text(f, i)) < string(facts.Text(f, j))
				}
				if got := facts.Rank(f, i) < facts.Rank(f, j); got != want {
					t.Fatalf("fact %d of %d and %d: %v, want %v", f, i, j, got, want)
				}
			}
		}
	}
}

// Few messages of many are read by themselves; an error of the context ends it.
func TestFactsOfFew(t *testing.T) {
	h, a := one(t)
	h.fill(a, "INBOX", 1500)
	v := h.selectBox(a, "INBOX")
	facts, err := v.Facts(t.Context(), []uint32{7, 1400}, true, mailbox.FactSize)
	h.must(err)
	if facts.Number(mailbox.FactSize, 0) == 0 || facts.Number(mailbox.FactSize, 1) == 0 || slices.Contains([]uint32{facts.Rank(mailbox.FactSize, 0)}, 0) {
		t.Errorf("%+v", facts)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Facts(ctx, seqs(1, 1500), true, mailbox.FactSent); err == nil {
		t.Error("a cancelled context gives facts")
	}
	_, err = v.Facts(t.Context(), seqs(1, 1500), true, mailbox.FactSent)
	h.must(err)
}

// Many sessions ask for facts while mail comes and goes, some of them of mailboxes that were forgotten for want of memory.
func TestFactsTogether(t *testing.T) {
	h, a := one(t)
	mailbox.LimitFacts(h.boxes, 3000)
	ctx := t.Context()
	for n := range 4 {
		_, err := a.Create(ctx, fmt.Sprintf("Box %d", n), "")
		h.must(err)
		h.fill(a, fmt.Sprintf("Box %d", n), 20)
	}
	var wait sync.WaitGroup
	for w := range 6 {
		wait.Go(func() {
			for round := range 10 {
				v, err := a.Select(ctx, fmt.Sprintf("Box %d", (w+round)%4))
				if err != nil {
					t.Error(err)
					return
				}
				all := seqs(1, uint32(v.Len()))
				facts, err := v.Facts(ctx, all, true, mailbox.FactSubject, mailbox.FactSize, mailbox.FactSent)
				if err != nil {
					t.Error(err)
				}
				for n := range all {
					if len(facts.Text(mailbox.FactSubject, n)) == 0 || facts.Number(mailbox.FactSize, n) == 0 || facts.Rank(mailbox.FactSent, n) == 0 {
						t.Errorf("message %d has no facts", n+1)
					}
				}
				v.Close()
			}
		})
	}
	for n := range 4 {
		h.fill(a, fmt.Sprintf("Box %d", n), 5)
	}
	wait.Wait()
	if octets, boxes := mailbox.FactsHeld(h.boxes); octets > 3000 || octets < 0 || boxes > 3 {
		t.Errorf("%d octets of %d mailboxes are held", octets, boxes)
	}
}
