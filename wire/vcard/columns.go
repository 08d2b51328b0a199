package vcard

import (
	"strconv"
	"strings"

	"tegami/wire/mime"
)

// Layout is whose columns a CSV file has.
type Layout string

// Layouts of files that are written. All of them are read, also mixed.
const (
	LayoutTegami  Layout = "tegami"
	LayoutOutlook Layout = "outlook"
	LayoutGoogle  Layout = "google"
)

// Layouts lists all of them.
func Layouts() []Layout { return []Layout{LayoutTegami, LayoutOutlook, LayoutGoogle} }

// A field is what one column of a CSV file says of a card.
type field string

// Fields that stand once. Those of addresses, telephones and the like are made by numbered and placed.
const (
	fieldFull       field = "full"
	fieldSurname    field = "surname"
	fieldGiven      field = "given"
	fieldMiddle     field = "given2"
	fieldPrefix     field = "title"
	fieldSuffix     field = "credential"
	fieldSurKana    field = "surname kana"
	fieldGivenKana  field = "given kana"
	fieldKana       field = "kana" // of the whole name: read only
	fieldNickname   field = "nickname"
	fieldCompany    field = "company"
	fieldCompKana   field = "company kana"
	fieldDepartment field = "department"
	fieldJob        field = "job"
	fieldExtension  field = "extension"
	fieldBirthday   field = "birthday"
	fieldURL        field = "url 1"
	fieldNote       field = "note"
	fieldCategories field = "categories"
)

// column is a column: what it says, its names in the files that are written, and others that it is known by.
type column struct {
	field   field
	english string
	japan   string
	outlook [2]string // in English and Japanese; "" where Outlook has none
	google  string
	also    []string
}

// columns are those we know, in the order in which they are written.
var columns = []column{
	{fieldFull, "name", "表示名", [2]string{}, "", []string{"display name", "full name", "氏名", "名前", "フルネーム"}},
	{fieldSurname, "last_name", "姓", [2]string{"Last Name", "姓"}, "Last Name", []string{"family name", "surname", "苗字"}},
	{fieldGiven, "first_name", "名", [2]string{"First Name", "名"}, "First Name", []string{"given name"}},
	{fieldMiddle, "middle_name", "ミドルネーム", [2]string{"Middle Name", "ミドル ネーム"}, "Middle Name", []string{"additional name"}},
	{fieldSurKana, "last_kana", "姓ふりがな", [2]string{"Last Name Yomi", "姓フリガナ"}, "Phonetic Last Name", []string{"family name yomi", "姓(ふりがな)", "姓(フリガナ)", "姓カナ", "姓(カナ)", "セイ", "last name kana", "姓よみ"}},
	{fieldGivenKana, "first_kana", "名ふりがな", [2]string{"First Name Yomi", "名フリガナ"}, "Phonetic First Name", []string{"given name yomi", "名(ふりがな)", "名(フリガナ)", "名カナ", "名(カナ)", "メイ", "first name kana", "名よみ"}},
	{fieldKana, "", "", [2]string{}, "", []string{"ふりがな", "フリガナ", "よみ", "読み", "よみがな", "読み仮名", "カナ", "氏名カナ", "yomi name", "kana"}},
	{fieldPrefix, "name_prefix", "肩書き", [2]string{"Title", "肩書き"}, "Name Prefix", []string{"prefix"}},
	{fieldSuffix, "name_suffix", "敬称", [2]string{"Suffix", "敬称"}, "Name Suffix", nil},
	{fieldNickname, "nickname", "ニックネーム", [2]string{}, "Nickname", nil},
	{fieldCompany, "company", "会社名", [2]string{"Company", "会社名"}, "Organization Name", []string{"会社", "勤務先", "organization", "organization 1 - name", "組織"}},
	{fieldCompKana, "company_kana", "会社名ふりがな", [2]string{"Company Yomi", "会社名フリガナ"}, "", []string{"organization 1 - yomi name"}},
	{fieldDepartment, "department", "所属", [2]string{"Department", "部署"}, "Organization Department", []string{"部署名", "部門", "organization 1 - department"}},
	{fieldJob, "job_title", "役職", [2]string{"Job Title", "役職"}, "Organization Title", []string{"役職名", "organization 1 - title"}},
	{numbered("email", 1), "email", "メールアドレス", [2]string{"E-mail Address", "電子メール アドレス"}, "E-mail 1 - Value", []string{"e-mail", "email address", "primary email", "電子メール", "メール", "mail", "eメール", "email 1"}},
	{numbered("email", 2), "email_2", "メールアドレス2", [2]string{"E-mail 2 Address", "電子メール 2 アドレス"}, "E-mail 2 - Value", []string{"secondary email", "別のメールアドレス", "電子メール アドレス 2", "電子メール 2", "email 2"}},
	{numbered("email", 3), "email_3", "メールアドレス3", [2]string{"E-mail 3 Address", "電子メール 3 アドレス"}, "E-mail 3 - Value", []string{"電子メール アドレス 3", "電子メール 3", "email 3"}},
	{placed("phone", "work"), "phone", "電話", [2]string{"Business Phone", "会社電話"}, "Phone 1 - Value", []string{"電話番号", "work phone", "勤務先の電話番号", "会社電話番号", "会社の電話", "tel"}},
	{fieldExtension, "extension", "内線", [2]string{}, "", []string{"内線番号"}},
	{placed("phone", "mobile"), "mobile", "携帯電話", [2]string{"Mobile Phone", "携帯電話"}, "Phone 2 - Value", []string{"携帯", "携帯電話番号", "mobile number", "携帯番号", "cell"}},
	{placed("phone", "private"), "home_phone", "自宅電話", [2]string{"Home Phone", "自宅電話"}, "Phone 3 - Value", []string{"自宅電話番号", "自宅の電話番号", "自宅の電話"}},
	{placed("phone", "fax"), "fax", "FAX", [2]string{"Business Fax", "会社 FAX"}, "Phone 4 - Value", []string{"fax番号", "fax number", "ファックス", "会社fax番号"}},
	{placed("phone", "work2"), "phone_2", "電話2", [2]string{"Business Phone 2", "会社電話 2"}, "", nil},
	{placed("phone", "private2"), "", "", [2]string{"Home Phone 2", "自宅電話 2"}, "", nil},
	{placed("phone", "privatefax"), "", "", [2]string{"Home Fax", "自宅 FAX"}, "", nil},
	{placed("phone", "pager"), "", "", [2]string{"Pager", "ポケットベル"}, "", nil},
	{placed("phone", "other"), "", "", [2]string{"Other Phone", "その他の電話"}, "", []string{"primary phone", "通常の電話"}},
	{part("work", "postcode"), "postal_code", "郵便番号", [2]string{"Business Postal Code", "郵便番号 (会社)"}, "Address 1 - Postal Code", []string{"会社郵便番号", "会社の郵便番号", "勤務先の郵便番号", "work zipcode", "会社住所 郵便番号"}},
	{part("work", "region"), "state", "都道府県", [2]string{"Business State", "都道府県 (会社)"}, "Address 1 - Region", []string{"会社住所 都道府県", "勤務先の都道府県", "work state"}},
	{part("work", "locality"), "city", "市区町村", [2]string{"Business City", "市区町村 (会社)"}, "Address 1 - City", []string{"会社住所 市区町村", "勤務先の市区町村", "work city"}},
	{part("work", "name"), "street", "番地", [2]string{"Business Street", "番地 (会社)"}, "Address 1 - Street", []string{"住所", "会社住所 番地", "会社住所", "勤務先の番地", "work address", "勤務先住所"}},
	{part("work", "country"), "country", "国", [2]string{"Business Country/Region", "国 (会社)/地域"}, "Address 1 - Country", []string{"business country", "国/地域 (会社)", "国 (会社)", "会社住所 国", "勤務先の国", "work country"}},
	{part("private", "postcode"), "home_postal_code", "自宅郵便番号", [2]string{"Home Postal Code", "郵便番号 (自宅)"}, "Address 2 - Postal Code", []string{"自宅の郵便番号", "自宅住所 郵便番号", "home zipcode"}},
	{part("private", "region"), "home_state", "自宅都道府県", [2]string{"Home State", "都道府県 (自宅)"}, "Address 2 - Region", []string{"自宅住所 都道府県", "自宅の都道府県"}},
	{part("private", "locality"), "home_city", "自宅市区町村", [2]string{"Home City", "市区町村 (自宅)"}, "Address 2 - City", []string{"自宅住所 市区町村", "自宅の市区町村"}},
	{part("private", "name"), "home_street", "自宅番地", [2]string{"Home Street", "番地 (自宅)"}, "Address 2 - Street", []string{"自宅住所", "自宅住所 番地", "自宅の番地", "home address"}},
	{part("private", "country"), "home_country", "自宅国", [2]string{"Home Country/Region", "国 (自宅)/地域"}, "Address 2 - Country", []string{"home country", "国/地域 (自宅)", "国 (自宅)", "自宅住所 国", "自宅の国"}},
	{fieldURL, "website", "Webページ", [2]string{"Web Page", "Web ページ"}, "Website 1 - Value", []string{"ホームページ", "business web page", "web page 1", "url"}},
	{fieldBirthday, "birthday", "誕生日", [2]string{"Birthday", "誕生日"}, "Birthday", []string{"生年月日"}},
	{fieldCategories, "categories", "分類", [2]string{"Categories", "分類項目"}, "Labels", []string{"group membership", "グループ", "カテゴリ"}},
	{fieldNote, "note", "メモ", [2]string{"Notes", "メモ"}, "Notes", []string{"備考", "comment", "comments"}},
}

// numbered is the field of one of several of a kind.
func numbered(what string, n int) field { return field(what + " " + strconv.Itoa(n)) }

// placed is the field of a telephone.
func placed(what, where string) field { return field(what + " " + where) }

// part is the field of a part of an address.
func part(where, kind string) field { return field("address " + where + " " + kind) }

// fieldsByName finds a field by the name of its column, without white space.
var fieldsByName = func() map[string]field {
	all := map[string]field{}
	for _, c := range columns {
		for _, name := range append([]string{c.english, c.japan, c.outlook[0], c.outlook[1], c.google}, c.also...) {
			if key := columnKey(name); key != "" && all[key] == "" {
				all[key] = c.field
			}
		}
	}
	return all
}()

// columnKey is a column's name without what people write in several ways.
func columnKey(name string) string { return strings.ReplaceAll(mime.NormalizeTight(name), "_", "") }

// fieldOf finds what a column says; "" for one that nobody knows. job tells that the file has a column for the title of the position, so
// that "Title" is what stands before a name, as in Outlook.
func fieldOf(name string, job bool) field {
	key := columnKey(name)
	if key == "title" && !job {
		return fieldJob
	}
	if f := googleField(key); f != "" {
		return f
	}
	return fieldsByName[key]
}

// googleKinds are the columns that Gmail numbers, with the field each becomes.
var googleKinds = [][2]string{{"e-mail", "email"}, {"phone", "phone"}, {"address", "address"}, {"website", "url"}}

// googleField reads a numbered column, such as "E-mail 2 - Value" or "Phone 1 - Label": the type of such a thing stands beside it.
func googleField(key string) field {
	for _, kind := range googleKinds {
		rest, ok := strings.CutPrefix(key, kind[0])
		if !ok {
			continue
		}
		n, member, ok := strings.Cut(rest, "-")
		if i, err := strconv.Atoi(n); !ok || err != nil || i < 1 || i > maxNumbered {
			continue
		}
		switch member {
		case "value":
			return field(kind[1] + " " + n)
		case "type", "label":
			return field(kind[1] + " " + n + " label")
		}
		if kind[1] == "address" {
			for name, part := range googleParts {
				if member == name {
					return field("address " + n + " " + part)
				}
			}
		}
	}
	return ""
}

// maxNumbered is how many columns of a kind are read.
const maxNumbered = 20

// googleParts are the parts of an address in Gmail's files.
var googleParts = map[string]string{
	"street": "name", "city": "locality", "region": "region", "postalcode": "postcode", "country": "country", "pobox": "postOfficeBox", "extendedaddress": "apartment",
	"formatted": "full",
}
