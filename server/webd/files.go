package webd

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files of the sign-in page. Their names on the web carry a hash, so that a browser may keep them for good.
type assets struct {
	paths  map[string]string // "login.css": "/assets/login.0123456789ab.css"
	byPath map[string]asset  // "login.0123456789ab.css" and "login.css"
}

type asset struct {
	data   []byte
	hashed bool
}

// immutable is the caching of what never changes under its name.
const immutable = "public, max-age=31536000, immutable"

func readAssets() *assets {
	a := &assets{map[string]string{}, map[string]asset{}}
	names, _ := fs.Glob(assetFiles, "assets/*")
	for _, name := range names {
		data, err := assetFiles.ReadFile(name)
		if err != nil {
			continue // they are in the program
		}
		sum := sha256.Sum256(data)
		plain := path.Base(name)
		ext := path.Ext(plain)
		hashed := strings.TrimSuffix(plain, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.paths[plain] = "/assets/" + hashed
		a.byPath[hashed], a.byPath[plain] = asset{data, true}, asset{data, false}
	}
	return a
}

func (a *assets) path(name string) string { return a.paths[name] }

// serveAsset serves a file of the sign-in page, or one of the panel's.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	f, ok := s.assets.byPath[name]
	if !ok {
		if !serveBuilt(w, r, s.config.Panel, "assets/"+name) {
			http.NotFound(w, r)
		}
		return
	}
	w.Header().Set("Content-Type", kindOf(name))
	w.Header().Set("Cache-Control", "public, max-age=3600")
	if f.hashed {
		w.Header().Set("Cache-Control", immutable)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	w.Write(f.data)
}

// servePanel serves the panel.
func (s *Server) servePanel(w http.ResponseWriter, r *http.Request) { s.serveApp(w, r, s.config.Panel) }

// serveMail serves the Advanced webmail, and the page that its messages are shown in.
func (s *Server) serveMail(w http.ResponseWriter, r *http.Request) {
	policy := s.mailPolicy
	if r.PathValue("path") == framePage {
		policy = s.framePolicy
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	}
	w.Header().Set("Content-Security-Policy", policy)
	s.serveApp(w, r, s.config.Mail)
}

// framePage is the empty page that a message's body is put into. Nothing in it runs: its own policy names no scripts and its
// sandbox allows none, so what is put there can be read and measured from outside, and does nothing.
const framePage = "frame.html"

// mailPolicies are the content security policies of the webmail and of its frame. content is the origin that pictures of mail come
// from, "" where there is none.
func mailPolicies(content string) (page, frame string) {
	content = strings.TrimRight(" "+content, " ")
	page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:" + content + "; font-src 'self'; connect-src 'self'; frame-src 'self'; worker-src 'self'; " +
		"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	frame = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:" + content + "; form-action 'none'; frame-ancestors 'self'; base-uri 'none'; " +
		"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-modals"
	return page, frame
}

// serveApp serves an app of pages: its files, and its one page for each of its routes.
func (s *Server) serveApp(w http.ResponseWriter, r *http.Request, app fs.FS) {
	name := r.PathValue("path")
	if name != "" && serveBuilt(w, r, app, name) {
		return
	}
	if path.Ext(name) != "" && path.Ext(name) != ".html" { // a file that is gone must not answer as a page
		http.NotFound(w, r)
		return
	}
	if !serveBuilt(w, r, app, "index.html") {
		p := s.newPage(w, r)
		p.View, p.Title = "unbuilt", "login.unbuilt_title"
		s.render(w, http.StatusServiceUnavailable, p)
	}
}

// encodings are the ways a file may lie there compressed, the best first.
var encodings = []struct{ name, ext string }{{"br", ".br"}, {"gzip", ".gz"}}

// serveBuilt serves a file of an app; false where there is none.
func serveBuilt(w http.ResponseWriter, r *http.Request, app fs.FS, name string) bool {
	if app == nil || !fs.ValidPath(name) {
		return false
	}
	h := w.Header()
	data, encoding := []byte(nil), ""
	for _, e := range encodings {
		if accepts(r, e.name) {
			if found, err := fs.ReadFile(app, name+e.ext); err == nil {
				data, encoding = found, e.name
				break
			}
		}
	}
	if encoding == "" {
		found, err := fs.ReadFile(app, name)
		if err != nil {
			return false
		}
		data = found
	} else {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", kindOf(name))
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", immutable)
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data)
	return true
}

// accepts tells whether a request takes an encoding.
func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, encoding) && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// kinds are the types of files, the same on every machine.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2",
	".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json", ".map": "application/json",
}

func kindOf(name string) string {
	ext := path.Ext(name)
	if kind, ok := kinds[ext]; ok {
		return kind
	}
	if kind := mime.TypeByExtension(ext); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
