package clean

import (
	"hash/crc32"
	"path"
	"slices"
	"strings"
)

// Names of the parts that say what a pack is, as partKey has them.
const (
	contentTypes = "[content_types].xml"
	odfManifest  = "meta-inf/manifest.xml"
)

func checksum(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// danger is what a relationship or a content type of Office Open XML stands for.
type danger uint8

const (
	harmless danger = iota
	macros          // the part is dropped
	control         // the part is dropped, and the element that refers to it
	sheet           // an empty sheet takes the place of the part
	template        // from elsewhere: the relationship is dropped, and the element that refers to it
	foreign         // from elsewhere: the relationship leads nowhere
	seal            // a signature: it would not fit any more
)

// relationTypes are the last segments of the types of relationships. [MS-OFFMACRO2], ECMA-376 Part 1, [MS-OI29500].
var relationTypes = map[string]danger{
	"vbaproject": macros, "wordvbadata": macros, "vbaprojectsignature": macros, "vbaprojectsignatureagile": macros, "vbaprojectsignaturev3": macros,
	"attachedtoolbars": macros, "keymapcustomizations": macros, "extensibility": macros, "usercustomization": macros,
	"control": control, "activexcontrolbinary": control,
	"xlmacrosheet": sheet, "xlintlmacrosheet": sheet,
	"attachedtemplate": template,
	"oleobject":        foreign, "frame": foreign, "subdocument": foreign, "package": foreign, "afchunk": foreign,
}

// partTypes are content types that tell what a part is wherever it is related from.
var partTypes = map[string]danger{
	"application/vnd.ms-office.vbaproject": macros, "application/vnd.ms-office.vbaprojectsignature": macros,
	"application/vnd.ms-office.vbaprojectsignatureagile": macros, "application/vnd.ms-office.vbaprojectsignaturev3": macros,
	"application/vnd.ms-word.vbadata+xml": macros, "application/vnd.ms-word.attachedtoolbars": macros,
	"application/vnd.ms-word.keymapcustomizations+xml": macros,
	"application/vnd.ms-office.activex+xml":            control, "application/vnd.ms-office.activex": control,
	"application/vnd.ms-excel.macrosheet+xml": sheet, "application/vnd.ms-excel.intlmacrosheet+xml": sheet,
	"application/vnd.ms-excel.macrosheet": sheet, "application/vnd.ms-excel.intlmacrosheet": sheet,
	"application/vnd.openxmlformats-package.digital-signature-origin": seal, "application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml": seal,
}

// said tells what was removed by a danger.
func (d danger) said() What {
	switch d {
	case control:
		return ActiveX
	case sheet:
		return XLM
	case template, foreign:
		return Template
	}
	return VBA
}

// The types that an emptied macro sheet gets.
const (
	sheetType       = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
	sheetTypeBinary = "application/vnd.ms-excel.worksheet"
	sheetRelation   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
)

// relation is one relationship of a part.
type relation struct {
	id, kind, target string
	external         bool
}

func relationOf(t *tag) relation {
	kind := strings.ToLower(t.attr("Type"))
	last := kind[strings.LastIndexByte(kind, '/')+1:]
	if strings.HasSuffix(kind, "digital-signature/origin") {
		last = "seal"
	}
	return relation{t.attr("Id"), last, t.attr("Target"), strings.EqualFold(t.attr("TargetMode"), "External")}
}

// danger tells what a relationship stands for.
func (r *relation) danger() danger {
	d := relationTypes[r.kind]
	switch {
	case r.kind == "seal":
		return seal
	case (d == template || d == foreign) && !(r.external && elsewhere(r.target)):
		return harmless
	}
	return d
}

// nowhere is where what was fetched from elsewhere leads now.
const nowhere = "removed"

// office cleans a document of Office Open XML.
func (p *pack) office() error {
	p.c.work -= int64(len(p.parts))
	fate := make(map[*part]danger)
	if err := p.typed(fate); err != nil {
		return err
	}
	if err := p.related(fate); err != nil {
		return err
	}
	if err := p.embedded(fate); err != nil {
		return err
	}
	for _, q := range slices.Clone(p.parts) {
		p.meet(q, fate[q])
	}
	if err := p.relations(fate); err != nil {
		return err
	}
	if err := p.texts(); err != nil {
		return err
	}
	if err := p.unseal(fate); err != nil {
		return err
	}
	return p.types(fate)
}

// unseal drops the signatures of a document that changed: they would not fit any more.
func (p *pack) unseal(fate map[*part]danger) error {
	if !p.changed() {
		return nil
	}
	for _, q := range p.parts {
		if fate[q] == seal {
			p.drop(q)
		}
	}
	for _, q := range p.parts {
		if q.gone || !strings.HasSuffix(partKey(q.name), ".rels") {
			continue
		}
		err := p.edit(q, func(_ *editor, t *tag) deed {
			if r := relationOf(t); t.is("Relationship") && r.kind == "seal" {
				return goes
			}
			return stays
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// typed finds the parts that are dangerous by their content type. That all "bin" are said to be projects is usual, and true of few:
// those are known by their content.
func (p *pack) typed(fate map[*part]danger) error {
	types, err := p.contentTypes()
	if err != nil {
		return err
	}
	for _, q := range p.parts {
		typ, own := types.of(q)
		if d := partTypes[typ]; own || d != macros {
			fate[q] = d
		}
	}
	return nil
}

// related finds the parts that are dangerous by a relationship.
func (p *pack) related(fate map[*part]danger) error {
	for _, q := range p.parts {
		if !strings.HasSuffix(partKey(q.name), ".rels") {
			continue
		}
		err := p.edit(q, func(_ *editor, t *tag) deed {
			r := relationOf(t)
			if d := r.danger(); t.is("Relationship") && d != harmless && !r.external {
				if to := p.names[partKey(resolve(q.name, r.target))]; to != nil {
					fate[to] = d
				}
			}
			return stays
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// resolve gives the part that a relationship leads to, from the name of the part with the relationships.
func resolve(rels, target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	return path.Join(path.Dir(path.Dir(rels)), target)
}

// embedded finds projects by their content, and cleans the documents within the document.
func (p *pack) embedded(fate map[*part]danger) error {
	for _, q := range p.parts {
		if fate[q] != harmless {
			continue
		}
		head := p.begins(q)
		if !strings.HasPrefix(head, oleMagic) && !strings.HasPrefix(head, zipMagic) {
			continue
		}
		b, err := p.content(q)
		if err != nil {
			return err
		}
		if isProject(b) {
			fate[q] = macros
			continue
		}
		out, err := p.c.within(b, p.depth)
		if err != nil {
			return err
		}
		if !same(out, b) {
			q.set(out)
		}
	}
	return nil
}

// meet does with a part what it is fated to.
func (p *pack) meet(q *part, d danger) {
	switch d {
	case macros, control:
		p.c.removed.add(d.said(), q.name)
		p.drop(q)
	case sheet:
		p.c.removed.add(XLM, q.name)
		p.drop(q) // its relationships
		q.gone = false
		if strings.HasSuffix(partKey(q.name), ".bin") {
			q.set([]byte(emptySheetBinary))
		} else {
			q.set([]byte(emptySheet))
		}
	}
}

// An empty sheet, in SpreadsheetML and in BIFF12 ([MS-XLSB]: BrtBeginSheet, BrtBeginSheetData, BrtEndSheetData, BrtEndSheet).
const (
	emptySheet = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n" +
		`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>`
	emptySheetBinary = "\x81\x01\x00\x91\x01\x00\x92\x01\x00\x82\x01\x00"
)

// relations takes out the relationships to what is gone, and what refers to them.
func (p *pack) relations(fate map[*part]danger) error {
	for _, q := range p.parts {
		if q.gone || !strings.HasSuffix(partKey(q.name), ".rels") {
			continue
		}
		lost := make(map[string]danger)
		err := p.edit(q, func(e *editor, t *tag) deed { return p.relation(e, t, q, fate, lost) })
		if err != nil {
			return err
		}
		if len(lost) == 0 {
			continue
		}
		if from := p.names[partKey(sourceOf(q.name))]; from != nil && !from.gone {
			if err := p.unrefer(from, lost); err != nil {
				return err
			}
		}
	}
	return nil
}

// sourceOf is the part whose relationships a part has.
func sourceOf(rels string) string {
	return path.Join(path.Dir(path.Dir(rels)), strings.TrimSuffix(path.Base(rels), path.Ext(rels)))
}

// relation decides about one relationship.
func (p *pack) relation(e *editor, t *tag, q *part, fate map[*part]danger, lost map[string]danger) deed {
	if !t.is("Relationship") {
		return stays
	}
	r := relationOf(t)
	d := r.danger()
	if to := p.names[partKey(resolve(q.name, r.target))]; to != nil && !r.external && fate[to] != harmless {
		d = fate[to]
	}
	switch d {
	case macros, control, template:
		lost[r.id] = d
		p.c.removed.add(d.said(), r.target)
		return goes
	case sheet:
		t.attributes(func(a attribute) bool {
			if a.name == "Type" {
				e.set(t, a, sheetRelation)
			}
			return true
		})
	case foreign:
		p.c.removed.add(Template, r.target)
		t.attributes(func(a attribute) bool {
			if a.name == "Target" {
				e.set(t, a, nowhere)
			}
			return true
		})
	}
	return stays
}

// unrefer takes the elements out of a part that refer to relationships that are gone.
func (p *pack) unrefer(q *part, lost map[string]danger) error {
	if !strings.HasSuffix(partKey(q.name), ".xml") {
		return nil // BIFF12: what refers to nothing is passed over
	}
	controls := false
	for _, d := range lost {
		controls = controls || d == control
	}
	return p.edit(q, func(_ *editor, t *tag) deed {
		switch {
		case controls && t.is("controls", "control"):
			return goes
		case t.is("attachedTemplate") && lost[t.attr("id")] == template:
			return goes
		}
		return stays
	})
}

// types takes the parts that are gone out of the list of content types, and gives emptied sheets their type.
func (p *pack) types(fate map[*part]danger) error {
	return p.edit(p.names[contentTypes], func(e *editor, t *tag) deed {
		if t.is("Override") {
			q := p.names[partKey(t.attr("PartName"))]
			switch {
			case q != nil && q.gone:
				return goes
			case q != nil && fate[q] == sheet:
				setType(e, t, sheetTypeFor(q))
			}
			return stays
		}
		if t.is("Default") && partTypes[strings.ToLower(t.attr("ContentType"))] != harmless && p.changed() {
			setType(e, t, "application/vnd.openxmlformats-officedocument.oleObject")
		}
		return stays
	})
}

func sheetTypeFor(q *part) string {
	if strings.HasSuffix(partKey(q.name), ".bin") {
		return sheetTypeBinary
	}
	return sheetType
}

func setType(e *editor, t *tag, value string) {
	t.attributes(func(a attribute) bool {
		if a.name == "ContentType" {
			e.set(t, a, value)
		}
		return a.name != "ContentType"
	})
}
