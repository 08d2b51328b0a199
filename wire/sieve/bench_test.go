package sieve

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/mime"
)

// benchMessage is a message as they come: some thirty fields, text and HTML.
var benchMessage = strings.ReplaceAll(`Return-Path: <taro@example.co.jp>
Received: from mx.example.co.jp (mx.example.co.jp [192.0.2.1])
 by mail.example.com with ESMTPS id 0123456789; Mon, 21 Sep 2026 10:00:00 +0900
Received: from localhost (localhost [127.0.0.1])
 by mx.example.co.jp with ESMTP id 987654321; Mon, 21 Sep 2026 09:59:59 +0900
Authentication-Results: mail.example.com; dkim=pass header.d=example.co.jp; spf=pass smtp.mailfrom=example.co.jp; dmarc=pass header.from=example.co.jp
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.co.jp; s=s1; t=1789;
 h=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
 b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
From: =?ISO-2022-JP?B?GyRCOzNFRBsoQiAbJEJCQE86GyhC?= <taro@example.co.jp>
To: Hanako <hanako@example.com>, soumu@example.com
Cc: info@example.com
Subject: =?ISO-2022-JP?B?GyRCMnE1RCROJCpDTiRpJDsbKEI=?=
Date: Mon, 21 Sep 2026 09:59:58 +0900
Message-ID: <20260921095958.1234@example.co.jp>
MIME-Version: 1.0
X-Mailer: Mailer 1.0
X-Priority: 3
Content-Type: multipart/alternative; boundary="b1"

--b1
Content-Type: text/plain; charset=ISO-2022-JP
Content-Transfer-Encoding: 7bit

`+"\x1b$B2q5D$N$*CN$i$;\x1b(B"+`
--b1
Content-Type: text/html; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

<html><body><p>=E4=BC=9A=E8=AD=B0=E3=81=AE=E3=81=8A=E7=9F=A5=E3=82=89=E3=81=9B</p></body></html>
--b1--
`, "\n", "\r\n")

func benchInput() *Input {
	return &Input{
		From: mail.Address{Local: "taro", Domain: "example.co.jp"}, To: mail.Address{Local: "hanako", Domain: "example.com"},
		Octets: strings.NewReader(benchMessage), Structure: mime.ParseBytes([]byte(benchMessage), mime.Limits{}),
	}
}

// benchScript is a filter of so many rules, as the page of filters writes them.
func benchScript(rules int) []byte {
	var b bytes.Buffer
	b.WriteString("require [\"fileinto\", \"imap4flags\", \"mailbox\"];\n")
	for i := range rules {
		fmt.Fprintf(&b, "if anyof (header :contains \"Subject\" \"件名%d\", address :is :all [\"From\", \"Sender\"] \"user%d@example.net\") {\n\taddflag \"\\\\Flagged\";\n\tfileinto :create \"フォルダ%d\";\n\tstop;\n}\n", i, i, i)
	}
	return b.Bytes()
}

func benchmarkRun(b *testing.B, source []byte) {
	s, err := Compile(source, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	in := benchInput()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun10Rules(b *testing.B)  { benchmarkRun(b, benchScript(10)) }
func BenchmarkRun100Rules(b *testing.B) { benchmarkRun(b, benchScript(100)) }

func BenchmarkRunBody(b *testing.B) {
	benchmarkRun(b, []byte("require [\"body\", \"fileinto\"];\nif body :contains \"議事録\" { fileinto \"a\"; } elsif body :contains \"会議\" { fileinto \"b\"; }"))
}

func BenchmarkRunVacation(b *testing.B) {
	benchmarkRun(b, []byte("require [\"vacation\"];\nvacation :days 7 :subject \"不在です\" \"本日は不在です。\";"))
}

func BenchmarkCompile100Rules(b *testing.B) {
	source := benchScript(100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(source, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompileBraces compiles texts of nothing but what looks like references: it must take milliseconds.
func BenchmarkCompileBraces(b *testing.B) {
	for _, piece := range []string{"${", "${a.", "${hex:", "${hex: 41 ", "${unicode:", "${a}"} {
		source := []byte(`require ["variables", "encoded-character"]; set "v" "` + strings.Repeat(piece, (120<<10)/len(piece)) + `x}";`)
		b.Run(piece, func(b *testing.B) {
			for b.Loop() {
				if _, err := Compile(source, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
