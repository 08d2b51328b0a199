package restd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/i18n"
	"tegami/jobs"
	"tegami/jobs/files"
	"tegami/mail"
)

const (
	// maxUpload is the size of an import's request: the file, and what a form puts around it.
	maxUpload = bulk.MaxFile + 64<<10
	// maxExport is the size of an export: it is made in memory.
	maxExport = 256 << 20
	// uploadTime is how long an upload may take.
	uploadTime = 2 * time.Minute
)

// inImport is a file to be imported.
type inImport struct {
	InTenant
	DryRun         bool   `query:"dryRun" doc:"Judge every line and change nothing"`
	GoodLinesOnly  bool   `query:"goodLinesOnly" doc:"Do the good lines although others are bad"`
	ConfirmDeletes int    `query:"confirmDeletes" minimum:"0" maximum:"10000" doc:"How many deletions are expected: with another number nothing is done"`
	Name           string `query:"name" maxLength:"200" doc:"The file's name, for the list of jobs"`
	Type           string `header:"Content-Type" doc:"text/csv, or multipart/form-data with one file"`
	RawBody        []byte `contentType:"text/csv"`
}

// started is the answer to an order of a job.
type started struct {
	Location string `header:"Location" doc:"Where to ask how far it is"`
	Body     Job
}

// inExport says what is exported, and how.
type inExport struct {
	InTenant
	Domain   string `query:"domain" maxLength:"255" doc:"Only what is in this domain"`
	Charset  string `query:"charset" enum:"utf-8,cp932" default:"utf-8" doc:"utf-8 has a byte order mark"`
	Lossless bool   `query:"lossless" doc:"Write fields as they are; otherwise an apostrophe goes before what spreadsheets take for a formula"`
}

// bulkNames are how the operations of each kind of file are called.
var bulkNames = map[string]string{
	"accounts": "Accounts", "aliases": "Aliases", "groups": "Groups", "group-members": "GroupMembers", "lists": "Lists",
	"list-members": "ListMembers", "forwards": "Forwards", "contacts": "Contacts",
}

func (s *Server) addBulk() {
	for _, k := range bulk.Kinds() {
		words := strings.ReplaceAll(k.Name, "-", " ")
		add(s, operation{ID: "import" + bulkNames[k.Name], Method: http.MethodPost, Path: "/tenants/{tenant}/imports/" + k.Name, Right: k.Right, Tag: "bulk",
			Status: http.StatusAccepted, MaxBody: maxUpload, Deadline: uploadTime, Summary: "Import " + words + " from a CSV file, as a job."}, s.importer(k))
		add(s, operation{ID: "export" + bulkNames[k.Name], Method: http.MethodGet, Path: "/tenants/{tenant}/exports/" + k.Name + ".csv", Right: k.Read, Tag: "bulk",
			View: true, Deadline: uploadTime, Summary: "Export " + words + " as a CSV file that can be imported again."}, s.exporter(k))
	}
}

// importer takes a file of a kind in.
func (s *Server) importer(k bulk.Kind) func(context.Context, *Call, *inImport) (*started, error) {
	return func(ctx context.Context, c *Call, in *inImport) (*started, error) {
		text, name, err := in.file()
		if err != nil {
			return nil, err
		}
		if err := bulk.Check(k.Name, text); err != nil {
			return nil, err
		}
		j, err := s.config.Jobs.Start(ctx, c.Caller, c.Actor(), c.TenantID, jobs.Order{
			Kind: files.Import, Title: name, Input: text,
			Params: files.Params{Kind: k.Name, Options: bulk.Options{DryRun: in.DryRun, GoodLinesOnly: in.GoodLinesOnly, ConfirmDeletes: in.ConfirmDeletes}},
		})
		if err != nil {
			return nil, err
		}
		return &started{Prefix + "/tenants/" + c.TenantID.String() + "/jobs/" + j.ID.String(), s.job(c, &j)}, nil
	}
}

// file gives the file of an import: the body, or the first file of a form.
func (in *inImport) file() (text []byte, name string, err error) {
	const op = "restd.file"
	kind, params, _ := mime.ParseMediaType(in.Type)
	if kind != "multipart/form-data" {
		return in.RawBody, in.Name, nil
	}
	form := multipart.NewReader(bytes.NewReader(in.RawBody), params["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, "", mail.E(op, mail.Invalid, "import.no_file")
		}
		if err != nil {
			return nil, "", mail.Because(op, mail.Invalid, "import.no_file", err)
		}
		if part.FileName() == "" {
			continue
		}
		if text, err = io.ReadAll(io.LimitReader(part, bulk.MaxFile+1)); err != nil {
			return nil, "", mail.Because(op, mail.Invalid, "import.no_file", err)
		}
		if name = in.Name; name == "" {
			name = strings.ToValidUTF8(part.FileName(), "?")
		}
		return text, name[:min(len(name), 200)], nil
	}
}

// exporter gives a file of a kind out.
func (s *Server) exporter(k bulk.Kind) func(context.Context, *Call, *inExport) (*download, error) {
	return func(ctx context.Context, c *Call, in *inExport) (*download, error) {
		var text bytes.Buffer
		form := bulk.Form{Charset: bulk.Charset(in.Charset), Lossless: in.Lossless, Japanese: c.Lang == string(i18n.Japanese)}
		lacking, err := bulk.Export(ctx, c.Company, k.Name, directory.SelectedBy(c.Caller, k.Read, in.Domain), &capped{&text, maxExport}, form)
		if err != nil {
			return nil, err
		}
		if len(lacking) > 0 {
			return nil, lacking[0].Err
		}
		out := newDownload(k.Name+".csv", text.Bytes())
		if form.Charset == bulk.CP932 {
			out.Type = "text/csv; charset=windows-31j"
		}
		return out, nil
	}
}

// capped is a writer that takes so many octets and no more.
type capped struct {
	to   io.Writer
	left int
}

func (c *capped) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		return 0, mail.E("restd.export", mail.Full, "export.too_big", maxExport>>20)
	}
	return c.to.Write(b)
}
