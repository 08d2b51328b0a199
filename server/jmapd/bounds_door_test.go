package jmapd_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

// TestEmailsAreBounded: what is told of emails is bounded by its octets and by its properties.
func TestEmailsAreBounded(t *testing.T) {
	u := one(t, func(_ *house, c *jmapd.Config) { c.Limits.Response = 4000 })
	ids := []jmap.Id{jmap.Of(jmap.LetterEmail, u.deliver("one").ID), jmap.Of(jmap.LetterEmail, u.deliver("two").ID), jmap.Of(jmap.LetterEmail, u.deliver("three").ID)}
	u.call("Email/get", object{"ids": ids, "properties": []string{"subject"}}, nil)
	all := []string{"subject"}
	for i := range 200 {
		all = append(all, fmt.Sprintf("header:X-Field-%d", i))
	}
	u.call("Email/get", object{"ids": ids[:0], "properties": all}, nil)
	u.refuses("Email/get", object{"ids": ids, "properties": all}, jmap.RequestTooLarge)
	for i := range 100 {
		all = append(all, fmt.Sprintf("header:X-More-%d", i))
	}
	u.refuses("Email/get", object{"ids": ids[:0], "properties": all}, jmap.InvalidArguments)
	u.refuses("Email/get", object{"ids": ids[:0], "bodyProperties": all[1:]}, jmap.InvalidArguments)
}

// unhurried is somebody who takes a download when he is told to.
type unhurried struct {
	*httptest.ResponseRecorder
	begun, take chan struct{}
}

func (w *unhurried) Write(b []byte) (int, error) {
	close(w.begun)
	<-w.take
	return w.ResponseRecorder.Write(b)
}

// TestDownloadsAtATime: a download holds a file open as long as somebody takes it, and so an account has a number of them.
func TestDownloadsAtATime(t *testing.T) {
	u := one(t, func(_ *house, c *jmapd.Config) { c.Limits.Downloads = 1 })
	path := "/jmap/download/" + string(u.id) + "/" + string(jmap.Of(jmap.LetterBlob, u.deliver("one").ID)) + "/one.eml"
	w := &unhurried{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	ended := make(chan struct{})
	r := u.request("GET", path, "")
	go func() {
		defer close(ended)
		u.Handler().ServeHTTP(w, r)
	}()
	<-w.begun
	refused := u.http("GET", path, "").Code
	close(w.take)
	<-ended
	if refused != 400 && refused != 429 || w.Code != 200 {
		t.Error(refused, w.Code)
	}
	u.http("GET", path, "").is(200)
}
