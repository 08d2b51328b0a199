// Package logo reads pictures that companies show to their people (SV-10). What comes in is a file from somebody's disk;
// what goes out is a small PNG that this package has drawn itself, with nothing left of what else the file held.
package logo

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"

	"tegami/mail"
)

// Limits of pictures.
const (
	// MaxOctets is the size of a picture as it is handed in.
	MaxOctets = 200 << 10
	// MaxPixels is how many pixels it has. It is judged before the picture is unpacked, which needs 4 to 8 octets for each.
	MaxPixels = 4 << 20
	// MaxWidth and MaxHeight are the size of what becomes of it, in pixels: twice that of the place where it is shown, for screens
	// with double density.
	MaxWidth, MaxHeight = 400, 72
)

// format is a kind of picture we read.
type format struct {
	magic  []string // what such a file begins with
	config func(*bytes.Reader) (image.Config, error)
	decode func(*bytes.Reader) (image.Image, error)
}

// formats are the kinds of pictures we read. SVG is not among them: it is a document that can hold programs.
var formats = []format{
	{
		[]string{"\x89PNG\r\n\x1a\n"},
		func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
		func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
	},
	{
		[]string{"\xff\xd8\xff"},
		func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
		func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
	},
	{
		[]string{"GIF87a", "GIF89a"},
		func(r *bytes.Reader) (image.Config, error) { return gif.DecodeConfig(r) },
		func(r *bytes.Reader) (image.Image, error) { return gif.Decode(r) }, // the first picture of a film
	},
}

// Read takes a PNG, JPEG or GIF file and gives it as PNG of at most MaxWidth × MaxHeight pixels, in its proportions. A smaller one
// keeps its size. Invalid "logo.svg", "logo.format" for what is no such picture or a broken one; Full "logo.too_big",
// "logo.too_many_pixels".
func Read(file []byte) (picture []byte, width, height int, err error) {
	const op = "logo.Read"
	if len(file) > MaxOctets {
		return nil, 0, 0, mail.E(op, mail.Full, "logo.too_big", MaxOctets>>10)
	}
	f := formatOf(file)
	if f == nil {
		return nil, 0, 0, mail.E(op, mail.Invalid, refusal(file))
	}
	c, err := f.config(bytes.NewReader(file))
	switch {
	case err != nil:
		return nil, 0, 0, mail.Because(op, mail.Invalid, "logo.format", err)
	case c.Width <= 0 || c.Height <= 0:
		return nil, 0, 0, mail.E(op, mail.Invalid, "logo.format")
	case c.Width > MaxPixels/c.Height:
		return nil, 0, 0, mail.E(op, mail.Full, "logo.too_many_pixels", MaxPixels)
	}
	whole, err := f.decode(bytes.NewReader(file))
	if err != nil {
		return nil, 0, 0, mail.Because(op, mail.Invalid, "logo.format", err)
	}
	small := shrink(whole)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		return nil, 0, 0, mail.Because(op, mail.Invalid, "logo.format", err)
	}
	return out.Bytes(), small.Rect.Dx(), small.Rect.Dy(), nil
}

// formatOf knows a kind of picture by how the file begins, whatever its name says; nil for none.
func formatOf(file []byte) *format {
	for i := range formats {
		for _, magic := range formats[i].magic {
			if bytes.HasPrefix(file, []byte(magic)) {
				return &formats[i]
			}
		}
	}
	return nil
}

// sniffed is how far a file is searched for what it is.
const sniffed = 1024

// refusal says what a file is not taken for.
func refusal(file []byte) string {
	head := bytes.ToLower(file[:min(len(file), sniffed)])
	if bytes.Contains(head, []byte("<svg")) || bytes.HasPrefix(file, []byte("\x1f\x8b")) {
		return "logo.svg" // or a packed one, .svgz
	}
	return "logo.format"
}

// shrink draws a picture at most MaxWidth × MaxHeight: each pixel is the mean of those it stands for.
func shrink(from image.Image) *image.NRGBA {
	bounds := from.Bounds()
	source := image.NewRGBA(image.Rectangle{Max: bounds.Size()})
	draw.Draw(source, source.Rect, from, bounds.Min, draw.Src)
	w, h := fit(bounds.Dx(), bounds.Dy())
	to := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			to.Set(x, y, mean(source, image.Rect(x*bounds.Dx()/w, y*bounds.Dy()/h, (x+1)*bounds.Dx()/w, (y+1)*bounds.Dy()/h)))
		}
	}
	return to
}

// fit gives the size in which a picture fits, at least a pixel.
func fit(w, h int) (int, int) {
	if w > MaxWidth {
		w, h = MaxWidth, h*MaxWidth/w
	}
	if h > MaxHeight {
		w, h = w*MaxHeight/h, MaxHeight
	}
	return max(1, w), max(1, h)
}

// mean is the mean colour of a part of a picture that has at least a pixel.
func mean(of *image.RGBA, part image.Rectangle) color.RGBA {
	var sum [4]int
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := of.Pix[of.PixOffset(part.Min.X, y) : of.PixOffset(part.Max.X-1, y)+4]
		for i, v := range row {
			sum[i&3] += int(v)
		}
	}
	n := part.Dx() * part.Dy()
	return color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), uint8(sum[3] / n)}
}
