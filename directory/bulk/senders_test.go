package bulk

import (
	"bytes"
	"reflect"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sheet"
)

// TestSF2SendersComeBackFromAFile: what is written is read again, in both charsets and with both names of columns.
func TestSF2SendersComeBackFromAFile(t *testing.T) {
	lists := directory.SenderLists{
		Allow: []mail.SenderPattern{"@good.example", "sato@partner.example"}, Deny: []mail.SenderPattern{"*@*.bad.example", `"a..b."@docomo.ne.jp`},
	}
	for _, form := range []Form{{}, {Charset: sheet.CP932, Japanese: true}, {Lossless: true}, {Japanese: true}} {
		var file bytes.Buffer
		if lacking, err := WriteSenders(&file, lists, form); err != nil || len(lacking) > 0 {
			t.Fatal(lacking, err)
		}
		e, err := ReadSenders(file.Bytes())
		if err != nil {
			t.Fatalf("%+v: %v\n%s", form, err, file.Bytes())
		}
		made, added, removed := e.Apply(directory.SenderLists{Deny: []mail.SenderPattern{"@old.example"}}, true)
		want := lists
		want.Deny = []mail.SenderPattern{`"a..b."@docomo.ne.jp`, "*@*.bad.example"}
		if !reflect.DeepEqual(made, want) || added != 4 || removed != 1 {
			t.Errorf("%+v: %+v, %d added, %d removed", form, made, added, removed)
		}
	}
	lacking, err := WriteSenders(new(bytes.Buffer), directory.SenderLists{Deny: []mail.SenderPattern{"𠮷@bad.example"}}, Form{Charset: sheet.CP932})
	if err != nil || len(lacking) != 1 {
		t.Errorf("what CP932 has not is told: %v, %v", lacking, err)
	}
}

func TestReadSenders(t *testing.T) {
	e, err := ReadSenders([]byte("処理,リスト,送信者,備考\n"))
	if key, _ := mail.TextOf(err); key != "import.column" {
		t.Errorf("an unknown column: %+v, %v", e, err)
	}
	e, err = ReadSenders([]byte("処理,リスト,送信者\n追加,受信拒否,＠BAD.example\n,許可,a@b.example\n削除,拒否,@old.example\n\n"))
	want := SenderEdit{
		Add:    directory.SenderLists{Allow: []mail.SenderPattern{"a@b.example"}, Deny: []mail.SenderPattern{"@bad.example"}},
		Remove: directory.SenderLists{Deny: []mail.SenderPattern{"@old.example"}},
	}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("%+v, %v", e, err)
	}
	made, added, removed := e.Apply(directory.SenderLists{Deny: []mail.SenderPattern{"@bad.example", "@old.example", "@stays.example"}}, false)
	if !reflect.DeepEqual(made, directory.SenderLists{Allow: []mail.SenderPattern{"a@b.example"}, Deny: []mail.SenderPattern{"@bad.example", "@stays.example"}}) || added != 1 || removed != 1 {
		t.Errorf("%+v, %d added, %d removed", made, added, removed)
	}
	for text, key := range map[string]string{
		"":                                   "import.empty",
		"list\n":                             "import.header",
		"list,sender\nboth,a@b.example\n":    "filter.line_list",
		"list,sender\nallow,nobody\n":        "filter.line_sender",
		"action,list,sender\nx,allow,@b.c\n": "filter.line_action",
		"list,sender\nallow,@b.c,x\n":        "filter.line_syntax",
		"list,sender\nallow,\"@b.c\n":        "filter.line_syntax",
		"list,sender\nallow,@b.c\xff\xfe\n":  "import.charset",
	} {
		if _, err := ReadSenders([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		} else if got, _ := mail.TextOf(err); got != key {
			t.Errorf("%q: %s, want %s", text, got, key)
		}
	}
}

func FuzzReadSenders(f *testing.F) {
	f.Add([]byte("list,sender\nallow,a@b.example\ndeny,@c.example\n"))
	f.Add([]byte("処理,リスト,送信者\n削除,拒否,*@*.x.example\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ReadSenders(b)
		if err != nil {
			return
		}
		made, _, _ := e.Apply(directory.SenderLists{}, true)
		var file bytes.Buffer
		if _, err := WriteSenders(&file, made, Form{}); err != nil {
			t.Fatal(err)
		}
		again, err := ReadSenders(file.Bytes())
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, file.Bytes())
		}
		if back, _, _ := again.Apply(directory.SenderLists{}, true); !reflect.DeepEqual(back, made) && len(back.Allow)+len(back.Deny)+len(made.Allow)+len(made.Deny) > 0 {
			t.Fatalf("%+v became %+v", made, back)
		}
	})
}
