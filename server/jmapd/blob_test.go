package jmapd_test

import (
	"encoding/json"
	"testing"

	"tegami/wire/jmap"
)

// TestBlobMethods: RFC 9404 §4, after its examples.
func TestBlobMethods(t *testing.T) {
	u := one(t)
	m := u.deliver("one")
	var up struct {
		Created map[string]struct {
			ID   jmap.Id
			Type string
			Size int64
		}
		NotCreated map[string]jmap.SetError
	}
	u.call("Blob/upload", object{"create": object{
		"b4": object{"data": []object{{"data:asText": "The quick brown fox jumped over the lazy dog."}}},
		"cat": object{"type": "text/plain", "data": []object{
			{"data:asText": "How"}, {"blobId": "#b4", "offset": 3, "length": 7}, {"data:asText": "was t"}, {"blobId": "#b4", "offset": 1, "length": 1}, {"data:asBase64": "YXQ/"},
		}},
		"far":  object{"data": []object{{"blobId": "#b4", "offset": 40, "length": 7}}},
		"none": object{"data": []object{{"blobId": "uxyz"}}},
		"two":  object{"data": []object{{"data:asText": "x", "data:asBase64": "eA=="}}},
	}}, &up)
	if c := up.Created["cat"]; c.Size != 19 || c.Type != "text/plain" {
		t.Fatalf("%+v", up)
	}
	for name, want := range map[string]string{"far": jmap.InvalidProperties, "none": "blobNotFound", "two": jmap.InvalidProperties} {
		if up.NotCreated[name].Type != want {
			t.Errorf("%s: %+v", name, up.NotCreated[name])
		}
	}
	var got struct {
		List     []json.RawMessage
		NotFound []jmap.Id
	}
	ids := []jmap.Id{up.Created["cat"].ID, "ux"}
	for _, c := range []struct {
		args object
		want string
	}{
		{object{}, `{"data:asText":"How quick was that?","id":"%","size":19}`},
		{object{"properties": []string{"data:asText", "digest:sha", "size"}, "offset": 4, "length": 5},
			`{"data:asText":"quick","digest:sha":"yyQpIThE0nkCVb1zPIAwvWqn0t8=","id":"%","size":19}`},
		{object{"properties": []string{"data:asBase64"}, "offset": 15, "length": 20}, `{"data:asBase64":"aGF0Pw==","id":"%","isTruncated":true}`},
		{object{"properties": []string{"data"}, "offset": 100}, `{"data:asText":"","id":"%"}`},
	} {
		c.args["ids"] = ids
		u.call("Blob/get", c.args, &got)
		want := ""
		for _, r := range c.want {
			if r == '%' {
				want += string(ids[0])
			} else {
				want += string(r)
			}
		}
		if len(got.List) != 1 || len(got.NotFound) != 1 || string(got.List[0]) != want && c.args["properties"] == nil {
			t.Errorf("%v: %s, want %s", c.args, got.List, want)
		}
	}
	u.refuses("Blob/get", object{"ids": nil}, jmap.InvalidArguments)
	u.refuses("Blob/get", object{"ids": ids, "properties": []string{"digest:md5"}}, jmap.InvalidArguments)

	var found struct {
		List []struct {
			MatchedIDs map[string][]jmap.Id `json:"matchedIds"`
		}
		NotFound []jmap.Id
	}
	u.call("Blob/lookup", object{"typeNames": []string{"Email", "Mailbox"}, "ids": []jmap.Id{jmap.Of(jmap.LetterBlob, m.ID), ids[0]}}, &found)
	if len(found.List) != 1 || found.List[0].MatchedIDs["Email"][0] != jmap.Of(jmap.LetterEmail, m.ID) || found.List[0].MatchedIDs["Mailbox"][0] != jmap.Of(jmap.LetterMailbox, m.Mailbox) || len(found.NotFound) != 1 {
		t.Errorf("%+v", found)
	}
	u.refuses("Blob/lookup", object{"typeNames": []string{"Cat"}, "ids": ids}, "unknownDataType")

	var copied struct {
		Copied    map[jmap.Id]jmap.Id
		NotCopied map[jmap.Id]jmap.SetError
	}
	blob := jmap.Of(jmap.LetterBlob, m.ID)
	u.call("Blob/copy", object{"fromAccountId": u.id, "blobIds": []jmap.Id{blob, "bx"}}, &copied)
	if copied.Copied[blob] == "" || copied.NotCopied["bx"].Type != jmap.NotFound {
		t.Errorf("%+v", copied)
	}
	u.refuses("Blob/copy", object{"fromAccountId": "anobody", "blobIds": []jmap.Id{blob}}, jmap.FromAccountNotFound)
}
