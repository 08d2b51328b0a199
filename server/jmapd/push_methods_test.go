package jmapd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"tegami/directory"
	"tegami/push"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

// TestPushSubscription: RFC 8620 §7.2, from the subscription to the code that is shown. What of it is secret is told to nobody.
func TestPushSubscription(t *testing.T) {
	pushed := make(chan []byte, 4)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		pushed <- text
		w.WriteHeader(http.StatusCreated)
	}))
	defer receiver.Close()
	roots := receiver.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	u := one(t, func(h *house, c *jmapd.Config) {
		c.Push = push.New(push.Config{Store: h.store, Directory: h.dir, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots})
	})
	var set struct {
		Created map[string]struct {
			ID      jmap.Id
			Expires time.Time
		}
		Updated                              map[jmap.Id]any
		Destroyed                            []jmap.Id
		NotCreated, NotUpdated, NotDestroyed map[string]jmap.SetError
	}
	u.call("PushSubscription/set", object{"create": object{
		"a": object{"deviceClientId": "a889-ffea-910", "url": receiver.URL + "/push", "types": []string{"Email"}, "expires": "2099-01-01T00:00:00Z"},
		"b": object{"deviceClientId": "b", "url": "http://push.example/"},
		"c": object{"deviceClientId": "c", "url": "https://push.example/", "keys": object{"p256dh": "AA", "auth": "AA"}},
		"d": object{"deviceClientId": "d", "url": "https://push.example/", "verificationCode": "x"},
	}}, &set)
	made := set.Created["a"]
	if made.ID == "" || time.Until(made.Expires) > push.MaxLife {
		t.Fatalf("%+v", set)
	}
	for name, property := range map[string]string{"b": "url", "c": "keys", "d": "verificationCode"} {
		if e := set.NotCreated[name]; e.Type != jmap.InvalidProperties || len(e.Properties) != 1 || e.Properties[0] != property {
			t.Errorf("%s: %+v", name, e)
		}
	}
	var v struct {
		Type string  `json:"@type"`
		ID   jmap.Id `json:"pushSubscriptionId"`
		Code string  `json:"verificationCode"`
	}
	u.must(json.Unmarshal(<-pushed, &v))
	if v.Type != "PushVerification" || v.ID != made.ID || v.Code == "" {
		t.Errorf("%+v", v)
	}
	u.call("PushSubscription/set", object{"update": object{string(made.ID): object{"verificationCode": "guess"}}}, &set)
	if e := set.NotUpdated[string(made.ID)]; e.Type != jmap.InvalidProperties {
		t.Errorf("%+v", e)
	}
	u.call("PushSubscription/set", object{"update": object{string(made.ID): object{"verificationCode": v.Code, "types": nil}}}, &set)
	var got struct{ List []map[string]any }
	u.call("PushSubscription/get", object{"ids": nil}, &got)
	s := got.List[0]
	if len(got.List) != 1 || s["verificationCode"] != v.Code || s["deviceClientId"] != "a889-ffea-910" || s["types"] != nil || s["url"] != nil || s["keys"] != nil {
		t.Errorf("%v", got.List)
	}
	for _, secret := range []string{"url", "keys"} {
		u.refuses("PushSubscription/get", object{"ids": nil, "properties": []string{secret}}, jmap.Forbidden)
	}

	// By another credential it is not there.
	_, app, err := u.dir.Company(u.who.Tenant()).AddAppPassword(t.Context(), u.who.Actor(), u.who.Account().ID, directory.AppPasswordSpec{Name: "x"})
	u.must(err)
	other := *u
	other.who, err = u.dir.SignIn(t.Context(), u.who.Actor().Origin(), "jmap", u.address, app)
	u.must(err)
	other.call("PushSubscription/get", object{"ids": nil}, &got)
	if len(got.List) != 0 {
		t.Errorf("%v", got.List)
	}
	other.call("PushSubscription/set", object{"destroy": []jmap.Id{made.ID}}, &set)
	if set.NotDestroyed[string(made.ID)].Type != jmap.NotFound {
		t.Errorf("%+v", set)
	}
	u.call("PushSubscription/set", object{"destroy": []jmap.Id{made.ID}}, &set)
	if len(set.Destroyed) != 1 {
		t.Errorf("%+v", set)
	}
}
