package directory_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// TestSV10LogoOfTheCompany sets, reads and takes away a company's logo.
func TestSV10LogoOfTheCompany(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	h.account(c, "sato@alpha.example", directory.RoleOwner)
	h.account(c, "suzuki@alpha.example")
	owner, user := h.signIn("sato@alpha.example").Actor(), h.signIn("suzuki@alpha.example").Actor()
	var file bytes.Buffer
	h.must(png.Encode(&file, image.NewGray(image.Rect(0, 0, 1000, 90))))

	_, err := c.Logo(h.ctx)
	h.says(err, mail.NotFound, "logo.none")
	h.says(c.SetLogo(h.ctx, user, 0, file.Bytes()), mail.Denied, "actor.denied")
	h.says(c.SetLogo(h.ctx, owner, 0, []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")), mail.Invalid, "logo.svg")
	h.must(c.SetLogo(h.ctx, owner, 0, file.Bytes()))
	l, err := c.Logo(h.ctx)
	h.must(err)
	if l.Width != 400 || l.Height != 36 || l.By != "sato@alpha.example" || l.Version == 0 {
		t.Errorf("the logo is %d × %d by %s, version %d", l.Width, l.Height, l.By, l.Version)
	}
	h.says(c.SetLogo(h.ctx, owner, l.Version+1, file.Bytes()), mail.Conflict, "object.changed")
	h.says(c.RemoveLogo(h.ctx, owner, l.Version+1), mail.Conflict, "object.changed")
	h.must(c.RemoveLogo(h.ctx, owner, l.Version))
	h.says(c.RemoveLogo(h.ctx, owner, 0), mail.NotFound, "logo.none")
}
