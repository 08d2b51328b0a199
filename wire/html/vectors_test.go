package html_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	ours "tegami/wire/html"
)

// vector is an attack of testdata/xss.jsonl.
type vector struct {
	Name string // what it tries
	Kind string // the family of public collections it is of: tags, events, protocols, entities, mutation, svg, math, css, comments, charset, forms, template, base, srcset, names, headers
	HTML string
}

// vectors reads the collection.
func vectors(t testing.TB) (list []vector) {
	t.Helper()
	f, err := os.Open("testdata/xss.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := lines.Text(); line != "" && line[0] != '/' {
			var v vector
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			list = append(list, v)
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return list
}

// TestXSSCollection: no attack leaves anything that could run, load or lead away, whatever the options. lab/browser renders the same collection.
func TestXSSCollection(t *testing.T) {
	list := vectors(t)
	if len(list) < 150 {
		t.Fatalf("only %d vectors", len(list))
	}
	seen := map[string]bool{}
	for _, v := range list {
		if seen[v.Name] || v.Kind == "" {
			t.Errorf("%q stands twice, or is of no kind", v.Name)
		}
		seen[v.Name] = true
		for _, o := range []ours.Options{{}, shown()} {
			if fault := danger(ours.Sanitise(v.HTML, o).HTML); fault != "" {
				t.Errorf("%s: %s", v.Name, fault)
			}
		}
		if fault := danger(ours.FromText(v.HTML).HTML); fault != "" {
			t.Errorf("%s as text: %s", v.Name, fault)
		}
	}
}

// fine are the attributes that may stand in what was sanitised, by a list of the test's own.
var fine = " class id style title lang dir align role aria-hidden aria-label href name shape coords alt type clear color face size width height border hspace vspace " +
	"usemap value start reversed datetime open background bgcolor bordercolor cellpadding cellspacing colspan frame nowrap rowspan rules scope span valign noshade rel target data-host src "

// danger says what is wrong with a sanitised document, as a parser of the browser's kind reads it; "" for nothing.
func danger(text string) string {
	for _, scripting := range []bool{false, true} {
		doc, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(scripting))
		if err != nil {
			return err.Error()
		}
		for n := range doc.Descendants() {
			if fault := dangerous(n); fault != "" {
				return fault + " in " + text
			}
		}
	}
	return ""
}

func dangerous(n *html.Node) string {
	if n.Type == html.CommentNode {
		return "a comment"
	}
	if n.Type != html.ElementNode {
		return ""
	}
	switch n.DataAtom {
	case 0, atom.Script, atom.Iframe, atom.Object, atom.Embed, atom.Form, atom.Input, atom.Button, atom.Textarea, atom.Select, atom.Meta, atom.Base, atom.Link, atom.Svg, atom.Math,
		atom.Template, atom.Noscript, atom.Title, atom.Xmp, atom.Plaintext, atom.Video, atom.Audio, atom.Source, atom.Frameset, atom.Noembed, atom.Noframes:
		return "the element " + n.Data
	case atom.Style:
		return dangerousStyle(n.FirstChild.Data)
	}
	if n.Namespace != "" {
		return "something foreign"
	}
	for _, a := range n.Attr {
		v := strings.ToLower(strings.TrimSpace(a.Val))
		switch {
		case a.Namespace != "" || !strings.Contains(fine, " "+a.Key+" "):
			return "the attribute " + a.Key
		case a.Key == "style":
			if fault := dangerousStyle(v); fault != "" {
				return fault
			}
		case a.Key == "href" && !hasPrefix(v, "http://", "https://", "mailto:", "tel:", "#m_"):
			return "a link to " + v
		case (a.Key == "src" || a.Key == "background") && !hasPrefix(v, content, "data:image/png;base64,", "data:image/gif;base64,", "data:image/jpeg;base64,", "data:image/jpg;base64,", "data:image/webp;base64,"):
			return "a picture of " + v
		case (a.Key == "id" || a.Key == "name") && !strings.HasPrefix(v, "m_"):
			return "the name " + v
		}
	}
	return ""
}

func dangerousStyle(text string) string {
	low := strings.ToLower(text)
	for _, bad := range []string{"\\", "expression", "javascript", "@import", "@font-face", "behavior", "binding", "position:", "<", "/*", "@charset", "content:", "image-set", "src("} {
		if strings.Contains(low, bad) && !strings.Contains(low, content+"?") {
			return "style with " + bad + ": " + text
		}
	}
	for rest := low; ; {
		_, behind, found := strings.Cut(rest, "url(")
		if !found {
			return ""
		}
		if !hasPrefix(behind, "'"+content, "'data:image/") {
			return "style that loads: " + text
		}
		rest = behind
	}
}

func hasPrefix(text string, list ...string) bool {
	for _, p := range list {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}
