package logo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"tegami/mail"
)

func plain(w, h int, c color.Color) image.Image {
	m := image.NewPaletted(image.Rect(7, 9, 7+w, 9+h), color.Palette{c, color.White})
	return m
}

// TestSV10PicturesAreDrawnAnew takes each format in several sizes.
func TestSV10PicturesAreDrawnAnew(t *testing.T) {
	red := color.NRGBA{200, 10, 20, 255}
	for _, c := range []struct{ w, h, toW, toH int }{
		{10, 5, 10, 5}, {400, 72, 400, 72}, {800, 72, 400, 36}, {100, 144, 50, 72}, {2000, 1000, 144, 72}, {4000, 1, 400, 1}, {1, 2000, 1, 72},
	} {
		for name, encode := range map[string]func(*bytes.Buffer, image.Image) error{
			"png":  func(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) },
			"jpeg": func(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) },
			"gif":  func(b *bytes.Buffer, m image.Image) error { return gif.Encode(b, m, nil) },
		} {
			var file bytes.Buffer
			if err := encode(&file, plain(c.w, c.h, red)); err != nil {
				t.Fatal(err)
			}
			out, w, h, err := Read(append(file.Bytes(), "<script>"...))
			if err != nil || w != c.toW || h != c.toH {
				t.Errorf("%s %d × %d: %d × %d, %v", name, c.w, c.h, w, h, err)
				continue
			}
			m, err := png.Decode(bytes.NewReader(out))
			if err != nil || m.Bounds() != image.Rect(0, 0, w, h) || bytes.Contains(out, []byte("<script>")) {
				t.Errorf("%s: %v, %v", name, m.Bounds(), err)
				continue
			}
			if r, g, b, _ := m.At(w/2, h/2).RGBA(); r>>8 < 190 || g>>8 > 20 || b>>8 > 30 {
				t.Errorf("%s: the colour became %d %d %d", name, r>>8, g>>8, b>>8)
			}
		}
	}
}

// TestSV10Transparency keeps it.
func TestSV10Transparency(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 800, 144)) // all transparent
	m.Set(0, 0, color.NRGBA{255, 255, 255, 255})
	m.Set(1, 0, color.NRGBA{255, 255, 255, 255})
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	out, _, _, err := Read(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if c := color.NRGBAModel.Convert(got.At(0, 0)).(color.NRGBA); c.A < 126 || c.A > 128 || c.R != 255 {
		t.Errorf("the corner is %v: half of it was opaque white", c)
	}
	if _, _, _, a := got.At(300, 50).RGBA(); a != 0 {
		t.Errorf("what was transparent has alpha %d", a)
	}
}

// bomb is a PNG that says to be large.
func bomb(w, h uint32) []byte {
	head := append([]byte("IHDR"), make([]byte, 13)...)
	binary.BigEndian.PutUint32(head[4:], w)
	binary.BigEndian.PutUint32(head[8:], h)
	head[12], head[13] = 8, 2
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(head))
}

// TestSV10Refused refuses what is no picture of ours, and what would cost too much, before it is unpacked.
func TestSV10Refused(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		kind mail.Kind
		key  string
	}{
		"nothing":     {nil, mail.Invalid, "logo.format"},
		"text":        {[]byte("hello"), mail.Invalid, "logo.format"},
		"svg":         {[]byte(`<?xml version="1.0"?><SVG onload="alert(1)">`), mail.Invalid, "logo.svg"},
		"svgz":        {[]byte("\x1f\x8b\x08\x00"), mail.Invalid, "logo.svg"},
		"half a png":  {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), mail.Invalid, "logo.format"},
		"no pixels":   {bomb(5, 5), mail.Invalid, "logo.format"},
		"a bomb":      {bomb(100_000, 100_000), mail.Full, "logo.too_many_pixels"},
		"a long bomb": {bomb(1<<30, 1), mail.Full, "logo.too_many_pixels"},
		"too large":   {make([]byte, MaxOctets+1), mail.Full, "logo.too_big"},
	} {
		_, _, _, err := Read(c.file)
		if key, _ := mail.TextOf(err); key != c.key || mail.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %v %s", name, err, c.kind, c.key)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, encode := range []func(*bytes.Buffer, image.Image) error{
		func(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) },
		func(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) },
		func(b *bytes.Buffer, m image.Image) error { return gif.Encode(b, m, nil) },
	} {
		var file bytes.Buffer
		if err := encode(&file, plain(9, 4, color.Black)); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Add(bomb(3000, 3000))
	f.Fuzz(func(t *testing.T, file []byte) {
		out, w, h, err := Read(file)
		if err != nil {
			if key, _ := mail.TextOf(err); key == "" {
				t.Fatalf("no words for %v", err)
			}
			return
		}
		c, err := png.DecodeConfig(bytes.NewReader(out))
		if err != nil || c.Width != w || c.Height != h || w < 1 || w > MaxWidth || h < 1 || h > MaxHeight {
			t.Fatalf("%d × %d, %+v, %v", w, h, c, err)
		}
	})
}
