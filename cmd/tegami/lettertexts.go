package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"time"

	"golang.org/x/text/encoding/japanese"

	"tegami/mail"
	"tegami/wire/compose"
)

// by is who writes a letter.
func by(name, local, domain string) compose.Mailbox {
	return compose.Mailbox{Name: name, Address: mail.Address{Local: local, Domain: domain}}
}

// japaneseLetters are what people of a Japanese company find: a conversation, a table from a partner's old mail program, a newsletter,
// a notice to all, an invoice.
func japaneseLetters(now time.Time) []letter {
	sato, partner := by("佐藤 一郎", "user2", "alpha.example"), by("田中 恵", "tanaka", "partner.example")
	return []letter{
		{
			from: by("総務部", "soumu", "alpha.example"), subject: "【全社】年末年始休業のお知らせ", ago: 74 * time.Hour, seen: true,
			text: "各位\n\nお疲れさまです。総務部です。\n\n本年度の年末年始休業は下記のとおりです。\n\n  期間: 12月29日(火)～1月4日(月)\n\n休業中の緊急連絡先は、グループウェアの掲示板をご確認ください。\n\n総務部\n",
		},
		{
			from: partner, subject: "御見積書送付の件", ago: 50 * time.Hour, seen: true, flagged: true, charset: "iso-2022-jp", outlook: true,
			text:  "アルファ商事株式会社\nご担当者様\n\nいつもお世話になっております。\nパートナー工業の田中です。\n\nご依頼いただきました①②の御見積書をお送りいたします。\nご査収のほど、よろしくお願いいたします。\n\n-- \nパートナー工業株式会社\n営業部 田中 恵\n",
			files: []letterFile{{"御見積書_アルファ商事様.csv", "text/csv", quotation()}},
		},
		{
			from: sato, subject: "定例会議の件", ago: 28 * time.Hour, seen: true,
			text: "お疲れさまです。佐藤です。\n\n来週の定例会議ですが、会議室の都合で15時開始に変更させてください。\n議題があれば、木曜までにご連絡ください。\n",
		},
		{
			from: by("山本 美咲", "user4", "alpha.example"), subject: "Re: 定例会議の件", ago: 27 * time.Hour, seen: true, re: 3,
			text: "山本です。15時で承知しました。\n\n議題に「新サービスの料金表」を追加していただけますか。\n\n> 来週の定例会議ですが、会議室の都合で15時開始に変更させてください。\n",
		},
		{
			from: sato, subject: "Re: 定例会議の件", ago: 3 * time.Hour, re: 4,
			text: "承知しました。料金表の件、議題に追加しておきます。\n当日は資料もお持ちください。\n\n佐藤\n",
		},
		{
			from: by("オフィス用品の北斗", "news", "hokuto.example"), subject: "今月のおすすめ: 冬のオフィス環境特集", ago: 8 * time.Hour,
			text: "今月のおすすめ商品をご案内します。\nhttps://www.hokuto.example/winter\n",
			html: newsletter,
			fields: []compose.Field{
				{Name: "List-Unsubscribe", Value: compose.AsURLs{"https://www.hokuto.example/leave?who=demo"}},
				{Name: "List-Unsubscribe-Post", Value: compose.AsText("List-Unsubscribe=One-Click")},
			},
		},
		{
			from: by("鈴木 花子", "user3", "alpha.example"), subject: "展示会の写真", ago: 5 * time.Hour,
			text:  "昨日の展示会の写真です。\n社内報に使ってください。\n\n鈴木\n",
			files: []letterFile{{"展示会ブース.png", "image/png", picture(320, 200)}, {"来場者数.csv", "text/csv", []byte("\xef\xbb\xbf日付,来場者数\r\n11/20,412\r\n11/21,530\r\n")}},
		},
		{
			from: partner, subject: "Re: 御見積書送付の件", ago: 40 * time.Minute, re: 2, charset: "iso-2022-jp",
			text: "お世話になっております。田中です。\n\n先日お送りした御見積書の有効期限は、" + now.AddDate(0, 0, 30).Format("2006年1月2日") + "までとなります。\nご検討のほど、よろしくお願いいたします。\n",
		},
	}
}

// newsletter has a remote picture, which is not loaded until the reader asks, and a layout as senders of newsletters make it.
const newsletter = `<!DOCTYPE html><html><body style="margin:0;background:#f3f1ec">
<table width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table width="600" cellpadding="0" cellspacing="0" style="background:#ffffff;font-family:sans-serif;color:#222222">
<tr><td style="padding:20px 24px;background:#234e3f;color:#ffffff;font-size:20px">オフィス用品の北斗</td></tr>
<tr><td style="padding:24px"><img src="https://img.hokuto.example/winter.jpg" width="552" height="180" alt="冬のオフィス">
<h2 style="font-size:18px">冬のオフィス環境特集</h2>
<p style="line-height:1.7">乾燥と冷えの季節です。加湿器や足元ヒーターなど、今月は対象の12品を最大20%引きでご用意しました。</p>
<p><a href="https://www.hokuto.example/winter" style="display:inline-block;padding:10px 20px;background:#234e3f;color:#ffffff;text-decoration:none">商品を見る</a></p></td></tr>
<tr><td style="padding:16px 24px;font-size:12px;color:#777777">配信停止は<a href="https://www.hokuto.example/leave">こちら</a></td></tr>
</table></td></tr></table></body></html>`

// quotation is a table in the encoding of Japanese spreadsheets.
func quotation() []byte {
	text := "品名,数量,単価,金額\r\n①保守サービス(年間),1,480000,480000\r\n②設置作業,2,35000,70000\r\n"
	b, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return []byte(text) // in UTF-8 it is as true
	}
	return b
}

// picture is a small picture to be looked at.
func picture(w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(40 + 120*x/w), uint8(70 + 90*y/h), 140, 255})
		}
	}
	for y := h / 2; y < h; y++ { // a booth of three colours
		for x := w / 6; x < 5*w/6; x++ {
			c := []color.RGBA{{240, 236, 226, 255}, {201, 78, 60, 255}, {43, 74, 139, 255}}[3*(x-w/6)/(2*w/3+1)]
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil // a buffer takes everything
	}
	return b.Bytes()
}

// englishLetters are what people of the English company find.
func englishLetters() []letter {
	boss := by("Emma Clark", "user1", "beta.example")
	letters := []letter{
		{
			from: boss, subject: "Offsite in March", ago: 30 * time.Hour, seen: true,
			text: "Hi all,\n\nlet us plan the offsite for the second week of March. Please tell me by Friday which days do not work for you.\n\nEmma\n",
		},
		{
			from: by("Lucas Meyer", "user2", "beta.example"), subject: "Re: Offsite in March", ago: 26 * time.Hour, re: 1,
			text: "Any day but Tuesday is fine with me.\n\n> Please tell me by Friday which days do not work for you.\n",
		},
		{
			from: by("Northwind Freight", "billing", "northwind.example"), subject: "Your invoice 2026-1147", ago: 6 * time.Hour,
			text:  "Dear customer,\n\nplease find attached the invoice for November. It is due within 30 days.\n\nNorthwind Freight\n",
			files: []letterFile{{"invoice-2026-1147.csv", "text/csv", []byte("item,amount\r\nfreight,1240.00\r\n")}},
		},
	}
	for day := range 3 {
		letters = append(letters, letter{
			from: by("Build server", "ci", "beta.example"), subject: fmt.Sprintf("Nightly report #%d: all green", 412-day), ago: time.Duration(10+24*day) * time.Hour, seen: day > 0,
			text: "All 1,284 checks passed in 9 min 12 s.\n",
		})
	}
	return letters
}
