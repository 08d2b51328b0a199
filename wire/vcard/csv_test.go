package vcard

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"tegami/mail"
	"tegami/wire/sheet"
)

// TestML6ReadCSV reads files as other software writes them.
func TestML6ReadCSV(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"Outlook in Japanese", "肩書き,名,ミドル ネーム,姓,敬称,会社名,部署,役職,番地 (会社),市区町村 (会社),都道府県 (会社),郵便番号 (会社),国 (会社)/地域,会社電話,携帯電話,電子メール アドレス,電子メール 2 アドレス,姓フリガナ,名フリガナ,誕生日,メモ,優先度\r\n" +
			",太郎,,山田,様,手紙株式会社,営業部,課長,1-2-3,中央区,東京都,104-0061,日本,03-1234-5678,090-1111-2222,taro@tegami.example,taro2@tegami.example,ヤマダ,タロウ,1980/4/12,\"一行目\n二行目\",標準",
			`{"@type":"Card","addresses":{"1":{"components":[{"kind":"name","value":"1-2-3"},{"kind":"locality","value":"中央区"},{"kind":"region","value":"東京都"},{"kind":"postcode","value":"104-0061"},{"kind":"country","value":"日本"}],"contexts":{"work":true}}},"anniversaries":{"1":{"date":{"day":12,"month":4,"year":1980},"kind":"birth"}},"emails":{"1":{"address":"taro@tegami.example"},"2":{"address":"taro2@tegami.example"}},"name":{"components":[{"kind":"surname","phonetic":"ヤマダ","value":"山田"},{"kind":"given","phonetic":"タロウ","value":"太郎"},{"kind":"credential","value":"様"}],"phoneticScript":"Kana"},"notes":{"1":{"note":"一行目\n二行目"}},"organizations":{"1":{"name":"手紙株式会社","units":[{"name":"営業部"}]}},"phones":{"1":{"contexts":{"work":true},"number":"03-1234-5678"},"2":{"features":{"mobile":true},"number":"090-1111-2222"}},"titles":{"1":{"name":"課長"}},"version":"1.0"}`},
		{"Outlook in English", "Title,First Name,Last Name,Company,Job Title,E-mail Address,Home Phone\nDr.,John,Smith,ACME,CEO,john@acme.example,1-555",
			`{"@type":"Card","emails":{"1":{"address":"john@acme.example"}},"name":{"components":[{"kind":"surname","value":"Smith"},{"kind":"given","value":"John"},{"kind":"title","value":"Dr."}]},"organizations":{"1":{"name":"ACME"}},"phones":{"1":{"contexts":{"private":true},"number":"1-555"}},"titles":{"1":{"name":"CEO"}},"version":"1.0"}`},
		{"Gmail", "First Name,Last Name,Phonetic Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Address 1 - Label,Address 1 - City\n花子,佐藤,さとう,* myContacts ::: 顧客,* Work,h@x.example ::: h2@x.example,Mobile,090,Home,札幌市",
			`{"@type":"Card","addresses":{"1":{"components":[{"kind":"locality","value":"札幌市"}],"contexts":{"private":true}}},"emails":{"1":{"address":"h@x.example","contexts":{"work":true}},"2":{"address":"h2@x.example","contexts":{"work":true}}},"keywords":{"顧客":true},"name":{"components":[{"kind":"surname","phonetic":"さとう","value":"佐藤"},{"kind":"given","value":"花子"}],"phoneticScript":"Hira"},"phones":{"1":{"features":{"mobile":true},"number":"090"}},"version":"1.0"}`},
		{"one's own", "氏名,フリガナ,メールアドレス,電話\n山田 太郎,ﾔﾏﾀﾞ ﾀﾛｳ,山田 <y@x.example>,'+81-3", `{"@type":"Card","emails":{"1":{"address":"y@x.example"}},"name":{"full":"山田 太郎","sortAs":{"given":"ﾀﾛｳ","surname":"ﾔﾏﾀﾞ"}},"phones":{"1":{"contexts":{"work":true},"number":"+81-3"}},"version":"1.0"}`},
	}
	for _, test := range tests {
		for _, charset := range []sheet.Charset{sheet.UTF8, sheet.CP932} {
			b := []byte(test.file)
			if charset == sheet.CP932 {
				b, _ = japanese.ShiftJIS.NewEncoder().Bytes(b)
			}
			got, err := ReadCSV(b)
			if err != nil || len(got.Lines) != 1 || got.Lines[0].Err != nil {
				t.Fatalf("%s: %+v %v", test.name, got, err)
			}
			if text, _ := json.Marshal(got.Lines[0].Card); string(text) != test.want {
				t.Errorf("%s:\n got %s\nwant %s", test.name, text, test.want)
			}
			if got.Charset != charset && test.name != "Outlook in English" {
				t.Errorf("%s: %s", test.name, got.Charset)
			}
			if test.name == "Outlook in Japanese" && !reflect.DeepEqual(got.Ignored, []string{"優先度"}) {
				t.Errorf("ignored %q", got.Ignored)
			}
		}
	}
}

func TestML6CSVFindings(t *testing.T) {
	got, err := ReadCSV([]byte("姓,メールアドレス\n,\n山田,a@b.example\nx,y,z\n\n \n=1+1,\n\"open"))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, l := range got.Lines {
		key, _ := mail.TextOf(l.Err)
		said = append(said, string(rune('0'+l.Number))+l.Card.Name()+key)
	}
	if want := []string{"3山田", "4import.cells", "7=1+1"}; !reflect.DeepEqual(said[:3], want) {
		t.Errorf("%q", said)
	}
	for file, key := range map[string]string{"": "import.empty", "a,b\n1,2": "import.header", "姓\n\xff\xfe\x80": "import.charset", "名,ふりがな,グループ\n,,x": ""} {
		got, err := ReadCSV([]byte(file))
		if err == nil {
			err = got.Lines[0].Err
			key = "contacts.nameless"
		}
		if text, _ := mail.TextOf(err); text != key {
			t.Errorf("%q: %v, want %s", file, err, key)
		}
	}
}

// TestML6WriteCSV: what is written is read again as the same card, in each layout, language and charset.
func TestML6WriteCSV(t *testing.T) {
	c, err := ParseCard([]byte(`{"@type":"Card","version":"1.0","name":{"components":[{"kind":"surname","value":"山田","phonetic":"やまだ"},{"kind":"given","value":"太郎","phonetic":"たろう"}],"phoneticScript":"Hira"},
		"emails":{"1":{"address":"a@b.example"},"2":{"address":"c@d.example"}},"phones":{"1":{"number":"03-1","contexts":{"work":true}},"2":{"number":"090","features":{"mobile":true}}},
		"organizations":{"1":{"name":"=手紙","units":[{"name":"営業部"}]}},"titles":{"1":{"name":"課長"}},"keywords":{"顧客":true},
		"addresses":{"1":{"components":[{"kind":"name","value":"1-2"},{"kind":"locality","value":"区"},{"kind":"region","value":"都"},{"kind":"postcode","value":"1"},{"kind":"country","value":"日本"}],"contexts":{"work":true}}},
		"notes":{"1":{"note":"a,\"b\"\nc"}},"anniversaries":{"1":{"kind":"birth","date":{"year":1980,"month":4,"day":2}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, layout := range Layouts() {
		for _, form := range []sheet.Form{{}, {Japanese: true}, {Charset: sheet.CP932, Japanese: true}} {
			var b bytes.Buffer
			if lacking, err := WriteCSV(&b, []Card{c}, layout, form); err != nil || lacking != nil {
				t.Fatal(lacking, err)
			}
			if strings.Contains(b.String(), ",=") {
				t.Errorf("a formula: %s", b.String())
			}
			back, err := ReadCSV(b.Bytes())
			if err != nil || len(back.Lines) != 1 || back.Ignored != nil {
				t.Fatalf("%s %+v: %+v %v", layout, form, back, err)
			}
			got := back.Lines[0].Card
			if layout == LayoutGoogle { // which has no places for addresses but a label beside them
				for _, v := range object(got["addresses"]) {
					object(v)["contexts"] = map[string]any{"work": true}
				}
			}
			a, _ := json.Marshal(got)
			want, _ := json.Marshal(c)
			if !bytes.Equal(a, want) {
				t.Errorf("%s %+v\n got %s\nwant %s\n%s", layout, form, a, want, b.String())
			}
		}
	}
	var b bytes.Buffer
	emoji := Card{"name": map[string]any{"full": "😀"}}
	if lacking, err := WriteCSV(&b, []Card{emoji, c}, LayoutTegami, sheet.Form{Charset: sheet.CP932}); err != nil || len(lacking) != 1 || lacking[0].Line != 2 {
		t.Errorf("%v %v", lacking, err)
	}
}

// FuzzCSV reads any octets as a file: every line is a card with a name or an error.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("姓,名,E-mail 1 - Value,Address 2 - City,誕生日\na,b,c,d,1980/1/2\n\"x"))
	f.Add([]byte("name;email\r\n'=1;<a@b>\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := ReadCSV(b)
		if err != nil {
			return
		}
		var cards []Card
		for _, l := range table.Lines {
			if (l.Err == nil) != (l.Card != nil) || l.Number < 1 {
				t.Fatalf("%+v", l)
			}
			if l.Card != nil {
				cards = append(cards, l.Card)
				ToVCard(l.Card, V3)
			}
		}
		if _, err := WriteCSV(&bytes.Buffer{}, cards, LayoutOutlook, sheet.Form{}); err != nil {
			t.Error(err)
		}
	})
}
