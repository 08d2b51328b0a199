package mime

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// plain4K is a typical mail: ten fields and 4 KB with one text part.
func plain4K() []byte {
	head := "Return-Path: <taro@sender.example>\r\n" +
		"Received: from mx.sender.example (mx.sender.example [192.0.2.7])\r\n\tby mx1.tegami.example with ESMTPS id 0a1b2c3d\r\n\tfor <hanako@tenant.example>; Mon, 23 Nov 2026 10:00:00 +0900\r\n" +
		"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.example; s=s1;\r\n\th=from:to:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=dGhpcyBpcyBub3QgYSBzaWduYXR1cmU\r\n" +
		"From: Taro Yamada <taro@sender.example>\r\n" +
		"To: Hanako Suzuki <hanako@tenant.example>\r\n" +
		"Subject: Minutes of the weekly meeting\r\n" +
		"Date: Mon, 23 Nov 2026 09:59:58 +0900\r\n" +
		"Message-ID: <20261123095958.0A1B2C@sender.example>\r\n" +
		"MIME-Version: 1.0\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: 7bit\r\n\r\n"
	line := "The quick brown fox jumps over the lazy dog, and the meeting goes on.\r\n"
	return []byte((head + strings.Repeat(line, 100))[:4096])
}

// attachment1M is a mail with a 1 MiB attachment in base64.
func attachment1M() []byte {
	var b bytes.Buffer
	b.WriteString("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\"=_b0\"\r\n\r\n--=_b0\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--=_b0\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for b.Len() < 1<<20 {
		b.WriteString(strings.Repeat("JVBERi0x", 9) + "Li4u\r\n")
	}
	b.WriteString("--=_b0--\r\n")
	return b.Bytes()
}

func BenchmarkParse4K(b *testing.B) {
	raw := plain4K()
	var buf []byte
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		buf = ParseBytes(raw, Limits{}).Encode(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "index-octets")
}

func BenchmarkParse1M(b *testing.B) {
	raw := attachment1M()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		ParseBytes(raw, Limits{})
	}
}

func BenchmarkIndexEnvelope(b *testing.B) {
	x := Index(ParseBytes(plain4K(), Limits{}).Encode(nil))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = x.AppendEnvelope(buf[:0])
	}
}

func BenchmarkIndexBody(b *testing.B) {
	x := Index(ParseBytes(attachment1M(), Limits{}).Encode(nil))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = x.AppendBody(buf[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	x := ParseBytes(rfc9051Message(), Limits{}).Encode(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHeader(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		DecodeHeader("Re: =?ISO-2022-JP?B?GyRCMnE1RCRONUQ7dk8/JHIkKkF3JGokNyReJDkbKEI=?=")
	}
}

func BenchmarkBase64(b *testing.B) {
	raw := attachment1M()
	p := &Part{Encoding: "base64"}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := io.Copy(io.Discard, DecodedReader(p, bytes.NewReader(raw))); err != nil {
			b.Fatal(err)
		}
	}
}
