package qr_test

import (
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tegami/wire/qr"
)

var texts = map[string]string{
	"one":    "A",
	"totp":   "otpauth://totp/Tegami:sato@alpha.example?algorithm=SHA1&digits=6&issuer=Tegami&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
	"middle": strings.Repeat("手紙 ", 40),
	"most":   strings.Repeat("0123456789abcdef", qr.MaxOctets/16),
}

// TestCodesAreRead has another program read what we draw, where it is installed.
func TestCodesAreRead(t *testing.T) {
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg (Debian zbar-tools) is not installed")
	}
	for name, text := range texts {
		file := filepath.Join(t.TempDir(), "code.png")
		writePNG(t, file, qr.Encode(text))
		got, err := exec.Command(reader, "-q", "--raw", "-Sbinary", file).Output()
		if err != nil || strings.TrimSuffix(string(got), "\n") != text {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
}

// writePNG draws a code for a camera.
func writePNG(t *testing.T, file string, c *qr.Code) {
	t.Helper()
	const scale, border = 4, 4
	side := (c.Size + 2*border) * scale
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			shade := color.Gray{255}
			if c.Dark(x/scale-border, y/scale-border) {
				shade.Y = 0
			}
			img.SetGray(x, y, shade)
		}
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}

// TestCodesStay holds the drawings to what TestCodesAreRead has read.
func TestCodesStay(t *testing.T) {
	for name, want := range map[string]string{"one": "9f5cd953d52f9ef8", "totp": "3beb7713def73bc6", "middle": "4bb6ccc406c64632", "most": "ee5e4bc83cd8893a"} {
		sum := sha256.Sum256([]byte(qr.Encode(texts[name]).SVG()))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestTooLong: what does not fit has no code.
func TestTooLong(t *testing.T) {
	if qr.Encode(strings.Repeat("x", qr.MaxOctets)) == nil {
		t.Error("the longest text has no code")
	}
	if qr.Encode(strings.Repeat("x", qr.MaxOctets+1)) != nil || qr.DataURL(strings.Repeat("x", 10_000)) != "" {
		t.Error("a text that is too long has a code")
	}
}

func FuzzEncode(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := qr.Encode(text)
		if (c == nil) != (len(text) > qr.MaxOctets) {
			t.Fatalf("%d octets: %v", len(text), c != nil)
		}
	})
}
