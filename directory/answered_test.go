package directory

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/embedded"
)

// answering is a directory with an operator who asks.
func answering(t *testing.T) (*Directory, mail.Actor) {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return New(st, Config{}), Operator("test", "")
}

// change rewrites what is stored of an Ask.
func (d *Directory) changeAnswer(t *testing.T, by mail.Actor, a Ask, change func(*answerDoc)) {
	t.Helper()
	err := d.answers(by).Update(context.Background(), by, "test", func(tx store.Tx) error {
		o, doc, err := readAnswer(tx, a.name(by))
		if err != nil {
			return err
		}
		change(&doc)
		return put(tx, o, doc)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCP10AnswersEnd: what was begun and never answered is interrupted, an answer is forgotten after its day, and what a secret sealed
// stays readable when a newer one is made.
func TestCP10AnswersEnd(t *testing.T) {
	d, by := answering(t)
	ctx := context.Background()
	a := Ask{Key: "k", Print: sha256.Sum256([]byte("x"))}
	says := func(key string) {
		t.Helper()
		got, err := d.BeginAsk(ctx, by, a)
		if text, _ := mail.TextOf(err); text != key || got != nil {
			t.Errorf("%v %v, want %q", got, err, key)
		}
	}
	says("")
	says("idempotency.running")
	d.changeAnswer(t, by, a, func(doc *answerDoc) { doc.At = time.Now().Add(-askPatience) })
	says("idempotency.interrupted")
	if err := d.EndAsk(ctx, by, a, &Answer{Status: 201, Header: map[string]string{"Location": "/x"}, Body: []byte("secret")}); err != nil {
		t.Fatal(err)
	}
	if err := d.RotateTokens(ctx, by); err != nil {
		t.Fatal(err)
	}
	got, err := d.BeginAsk(ctx, by, a)
	if err != nil || got == nil || got.Status != 201 || string(got.Body) != "secret" || got.Header["Location"] != "/x" {
		t.Fatalf("%+v %v", got, err)
	}
	d.changeAnswer(t, by, a, func(doc *answerDoc) { doc.At = time.Now().Add(-AnswersKept) })
	says("")
}

// TestCP10AnswersAreBounded: the records are a ring, in which the newest takes the place of the oldest; none of it is in the operation
// log, and no body lies open.
func TestCP10AnswersAreBounded(t *testing.T) {
	d, by := answering(t)
	ctx := context.Background()
	ask := func(key string) Ask { return Ask{Key: key, Print: sha256.Sum256([]byte(key))} }
	begin := func(key string) {
		t.Helper()
		if got, err := d.BeginAsk(ctx, by, ask(key)); err != nil || got != nil {
			t.Fatal(key, got, err)
		}
		if err := d.EndAsk(ctx, by, ask(key), &Answer{Status: 200, Body: []byte("open sesame")}); err != nil {
			t.Fatal(err)
		}
	}
	begin("first")
	err := d.platform.Update(ctx, by, "test", func(tx store.Tx) error {
		o, err := tx.ObjectByKey(turnKey)
		if err != nil {
			return err
		}
		o.Quiet = true
		return put(tx, o, turnDoc{Next: MaxAnswers - 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	begin("last")
	begin("over") // in the place of the first
	if got, err := d.BeginAsk(ctx, by, ask("last")); err != nil || got == nil {
		t.Errorf("the last: %v %v", got, err)
	}
	begin("first")
	err = d.platform.View(ctx, func(r store.Reader) error {
		acts, err := r.Acts(0, 0)
		for _, act := range acts {
			if act.Kind == kindAnswer || act.Kind == kindAnswerTurn {
				t.Errorf("the log has %s", act.Kind)
			}
		}
		if err != nil {
			return err
		}
		all, err := r.Objects(kindAnswer, store.Page{})
		for _, o := range all {
			var doc answerDoc
			if json.Unmarshal(o.Doc, &doc) != nil || strings.Contains(string(doc.Sealed), "sesame") {
				t.Errorf("%s", o.Doc)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
