package inspect

import (
	"bytes"
	"context"
	"path"
	"strings"

	"tegami/policy"
	"tegami/policy/probe/apart"
	"tegami/policy/probe/cell"
	"tegami/policy/spam"
	"tegami/policy/virus"
)

// itself is how this program is called among virus engines (virus.Known).
const itself = "tegami"

// attachments are the leaf parts that are files, and what was found in them.
type attachments struct {
	leaves []int // their places among the leaves
	report *cell.Report
}

// takeApart looks into the attachments.
func (l *Look) takeApart(ctx context.Context) (*attachments, error) {
	a := &attachments{report: &cell.Report{}}
	var parts []cell.Part
	for i, p := range l.leaves {
		if !isBody(p) {
			a.leaves = append(a.leaves, i)
			parts = append(parts, cell.Part{Name: p.Filename(), Type: p.Type + "/" + p.Subtype, Size: p.BodyEnd - p.BodyStart, Octets: p.Content(l.octets)})
		}
	}
	if len(parts) == 0 || l.service.cfg.Apart == nil {
		return a, nil
	}
	var err error
	a.report, err = l.service.cfg.Apart.Inspect(ctx, parts)
	return a, err
}

// threats gives what is known to be harmful, where it does not stand among found already.
func (a *attachments) threats(found []virus.Threat) (list []virus.Threat, paths []string) {
	known := map[int]bool{}
	for _, t := range found {
		if t.Engine == itself {
			known[t.Part] = true
		}
	}
	for _, t := range a.report.Threats {
		if leaf := a.leaves[t.Part]; !known[leaf] {
			known[leaf] = true // one of them tells enough: the part is not left as it is
			list = append(list, virus.Threat{Engine: itself, Name: t.Name, Part: leaf})
			paths = append(paths, strings.Join(t.Path, "/"))
		}
	}
	return list, paths
}

// verdict says whether all could be looked into, and notes what could not.
func (a *attachments) verdict(v *policy.Virus) virus.Verdict {
	worst := virus.Clean
	for _, f := range a.report.Files {
		if f.Problem != "" && len(v.Unread) < policy.MaxUnread {
			v.Unread = append(v.Unread, policy.UnreadFile{File: strings.Join(f.Path, "/"), Problem: f.Problem})
		}
	}
	for _, problem := range a.report.Problems {
		switch problem {
		case "":
		case apart.Encrypted:
			worst = virus.Worse(worst, virus.Encrypted)
		case cell.Down:
			worst = virus.Worse(worst, virus.Failed)
		default:
			worst = virus.Worse(worst, virus.Unscannable)
		}
	}
	return worst
}

// inquire gives the spam filter what was found in attachments.
func (a *attachments) inquire(q *spam.Inquiry) {
	for _, t := range a.report.Texts {
		q.Texts = append(q.Texts, t.Body)
		if len(t.URLs) > 0 {
			q.Texts = append(q.Texts, strings.Join(t.URLs, "\n"))
		}
	}
	kinds := map[string]apart.Kind{}
	for _, f := range a.report.Files {
		kinds[strings.Join(f.Path, "\x00")] = f.Kind
		if outer := strings.Join(f.Path[:max(len(f.Path)-1, 0)], "\x00"); f.Depth > 0 && !archives[kinds[outer]] {
			continue // a piece of a document is no file that anybody sent
		}
		q.Files = append(q.Files, spam.File{Name: f.Name, Kind: string(f.Kind), Claimed: claims[strings.ToLower(path.Ext(f.Name))], Encrypted: f.Problem == apart.Encrypted})
	}
}

// archives are the kinds in which people put files.
var archives = map[apart.Kind]bool{
	apart.Zip: true, apart.Gzip: true, apart.Bzip2: true, apart.XZ: true, apart.LZMA: true, apart.Zstd: true, apart.Tar: true, apart.SevenZip: true, apart.RAR: true,
	apart.LHA: true, apart.CAB: true, apart.ISO: true, apart.TNEF: true, apart.MSG: true, apart.EML: true, apart.MHT: true, apart.Mbox: true,
}

// claims are the kinds that endings of names stand for, of those where nobody sends another one by custom.
var claims = map[string]string{".pdf": "pdf", ".docx": "docx", ".xlsx": "xlsx", ".pptx": "pptx", ".png": "png", ".gif": "gif", ".jpg": "jpeg", ".jpeg": "jpeg"}

// harmless tells whether nothing harmful is known in a file, whatever is around it.
func (s *Service) harmless(ctx context.Context, name string, content []byte) bool {
	if s.cfg.Apart == nil {
		return true
	}
	r, err := s.cfg.Apart.Inspect(ctx, []cell.Part{{Name: name, Size: int64(len(content)), Octets: bytes.NewReader(content)}})
	return err == nil && len(r.Threats) == 0
}
