package main

import "tegami/directory"

// person is somebody made up for the demo.
type person struct{ last, first, lastKana, firstKana string }

// names are what the demo's people are called: family names, and given names.
var (
	familyNames = [][2]string{
		{"佐藤", "さとう"}, {"鈴木", "すずき"}, {"高橋", "たかはし"}, {"田中", "たなか"}, {"伊藤", "いとう"}, {"渡辺", "わたなべ"}, {"山本", "やまもと"},
		{"中村", "なかむら"}, {"小林", "こばやし"}, {"加藤", "かとう"}, {"吉田", "よしだ"}, {"山田", "やまだ"}, {"佐々木", "ささき"}, {"山口", "やまぐち"},
		{"松本", "まつもと"}, {"井上", "いのうえ"}, {"木村", "きむら"}, {"林", "はやし"}, {"斎藤", "さいとう"}, {"清水", "しみず"}, {"森", "もり"},
		{"池田", "いけだ"}, {"橋本", "はしもと"}, {"阿部", "あべ"}, {"石川", "いしかわ"}, {"前田", "まえだ"}, {"藤田", "ふじた"}, {"後藤", "ごとう"}, {"長谷川", "はせがわ"},
	}
	givenNames = [][2]string{
		{"太郎", "たろう"}, {"花子", "はなこ"}, {"一郎", "いちろう"}, {"美咲", "みさき"}, {"健太", "けんた"}, {"陽子", "ようこ"}, {"大輔", "だいすけ"}, {"愛", "あい"},
		{"翔", "しょう"}, {"由美", "ゆみ"}, {"直樹", "なおき"}, {"さくら", "さくら"}, {"拓也", "たくや"}, {"恵", "めぐみ"}, {"誠", "まこと"}, {"結衣", "ゆい"},
		{"亮", "りょう"}, {"真由美", "まゆみ"}, {"隆", "たかし"}, {"葵", "あおい"}, {"浩", "ひろし"}, {"千尋", "ちひろ"}, {"修", "おさむ"},
	}
	japaneseDepartments = []string{"総務部", "営業部", "開発部", "経理部", "人事部", "営業部 東日本課", "営業部 西日本課", "カスタマーサポート"}
	englishDepartments  = []string{"Sales", "Engineering", "Finance"}
	englishPeople       = []person{
		{last: "Baker", first: "Alice"}, {last: "Clark", first: "Ben"}, {last: "Davies", first: "Carol"}, {last: "Evans", first: "Dan"}, {last: "Foster", first: "Emma"},
	}
)

// personOf gives the n-th person of a company that speaks a language: always the same, and none of the first 600 twice.
func personOf(n int, lang string) person {
	if lang == "en" {
		return englishPeople[n%len(englishPeople)]
	}
	family, given := familyNames[n%len(familyNames)], givenNames[n%len(givenNames)]
	return person{family[0], given[0], family[1], given[1]}
}

// departmentOf gives the n-th person's department.
func departmentOf(n int, lang string) string {
	all := departmentsIn(lang)
	return all[n%len(all)]
}

// departmentsIn lists a company's departments.
func departmentsIn(lang string) []string {
	if lang == "en" {
		return englishDepartments
	}
	return japaneseDepartments
}

// full is the name as it is written in a language.
func (p person) full(lang string) string {
	if lang == "en" {
		return p.first + " " + p.last
	}
	return p.last + " " + p.first
}

// profileOf is what the address book says about a company's n-th person.
func profileOf(n int, c demoCompany) directory.Profile {
	p := personOf(n, c.lang)
	return directory.Profile{
		LastName: p.last, FirstName: p.first, LastKana: p.lastKana, FirstKana: p.firstKana, DisplayName: p.full(c.lang),
		Company: c.name, Department: departmentOf(n, c.lang),
	}
}
