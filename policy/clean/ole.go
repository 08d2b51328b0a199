package clean

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// ole cleans a document that is a compound file: Word, Excel or PowerPoint 97 and later, or an embedded object.
func (c *cleaner) ole(b []byte, depth int) ([]byte, error) {
	root, err := parseCompound(b)
	if err != nil {
		return nil, err
	}
	if root.child("EncryptedPackage") != nil {
		return nil, impossible("encrypted")
	}
	o := &oleFile{c: c, depth: depth}
	if err := o.storage(root, ""); err != nil {
		return nil, err
	}
	if !o.changed {
		return b, nil
	}
	return root.bytes(), nil
}

// oleFile is one compound file that is cleaned.
type oleFile struct {
	c       *cleaner
	depth   int
	changed bool
}

// removed notes what was removed.
func (o *oleFile) removed(what What, name string) {
	o.c.removed.add(what, name)
	o.changed = true
}

// storage cleans a storage with all that it has, since embedded documents are storages too.
func (o *oleFile) storage(n *node, at string) error {
	kept := n.children[:0:0]
	for _, child := range n.children {
		name := path.Join(at, child.name)
		if child.typ == typeStorage && isProjectStorage(child) {
			o.removed(VBA, name)
			continue
		}
		kept = append(kept, child)
	}
	n.children = kept
	for _, child := range slices.Clone(n.children) {
		name := path.Join(at, child.name)
		var err error
		if child.typ == typeStorage {
			err = o.storage(child, name)
		} else {
			err = o.stream(n, child, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stream cleans one stream by its name.
func (o *oleFile) stream(parent, n *node, name string) error {
	switch strings.ToLower(n.name) {
	case "worddocument":
		return o.word(parent, n, name)
	case "workbook", "book":
		return o.workbook(n, name)
	case "powerpoint document":
		return o.slides(n, name)
	case "\x01ole10native":
		if runs(n.octets) {
			o.removed(Package, name)
			n.octets = make([]byte, 4)
		}
	case "package": // a document of Office Open XML, embedded
		out, err := o.c.within(n.octets, o.depth)
		if err != nil {
			return err
		}
		if !same(out, n.octets) {
			n.octets, o.changed = out, true
		}
	}
	return nil
}

// isProjectStorage tells whether a storage holds a project of Visual Basic ([MS-OVBA] §2.2.1): its streams, wherever they stand.
func isProjectStorage(n *node) bool {
	if strings.EqualFold(n.name, "_VBA_PROJECT_CUR") || strings.EqualFold(n.name, "Macros") {
		return true
	}
	return isVBAStorage(n) || slices.ContainsFunc(n.children, func(c *node) bool { return c.typ == typeStorage && isVBAStorage(c) })
}

func isVBAStorage(n *node) bool {
	return n.child("_VBA_PROJECT") != nil || strings.EqualFold(n.name, "VBA") && n.child("dir") != nil
}

// isProject tells whether a compound file is a project of Visual Basic itself, as vbaProject.bin is.
func isProject(b []byte) bool {
	if !bytes.HasPrefix(b, []byte(oleMagic)) {
		return false
	}
	root, err := parseCompound(b)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(root.children, func(c *node) bool { return c.typ == typeStorage && isVBAStorage(c) }) &&
		root.child("WordDocument") == nil && root.child("Workbook") == nil && root.child("Book") == nil && root.child("PowerPoint Document") == nil
}

// runnable are the endings of names of files that Windows runs when they are opened.
var runnable = map[string]bool{
	"ace": true, "app": true, "application": true, "appref-ms": true, "bat": true, "chm": true, "cmd": true, "com": true, "cpl": true,
	"diagcab": true, "dll": true, "exe": true, "gadget": true, "hta": true, "htm": true, "html": true, "img": true, "inf": true, "iso": true,
	"jar": true, "jnlp": true, "js": true, "jse": true, "library-ms": true, "lnk": true, "msc": true, "msi": true, "msp": true, "ocx": true,
	"pif": true, "ps1": true, "ps1xml": true, "ps2": true, "psc1": true, "psd1": true, "psm1": true, "reg": true, "scf": true, "scr": true,
	"sct": true, "search-ms": true, "settingcontent-ms": true, "shb": true, "shs": true, "slk": true, "iqy": true, "svg": true, "sys": true,
	"url": true, "vb": true, "vbe": true, "vbs": true, "vhd": true, "vhdx": true, "website": true, "ws": true, "wsc": true, "wsf": true,
	"wsh": true, "xll": true,
}

// runs tells whether a package ([MS-OLEDS] §2.3.6, of a file that was dragged into a document) is one that runs.
func runs(native []byte) bool {
	if len(native) <= 4 {
		return false
	}
	b := native[4:]
	if len(b) > 2 && b[0] == 2 && b[1] == 0 {
		b = b[2:]
	}
	for range 2 { // the label, and the path it came from
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			break
		}
		if runnable[ending(string(b[:i]))] {
			return true
		}
		b = b[i+1:]
	}
	head := native[:min(len(native), 4<<10)]
	return bytes.Contains(head, []byte("MZ")) && bytes.Contains(native, []byte("This program"))
}

// ending is what stands behind the last dot of a file's name, in lower case.
func ending(name string) string {
	name = strings.TrimRight(name, " .\x00")
	return strings.ToLower(strings.TrimPrefix(path.Ext(strings.ReplaceAll(name, `\`, "/")), "."))
}
