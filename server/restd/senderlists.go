package restd

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/i18n"
	"tegami/mail"
)

// SenderLists are a company's lists of whose mail is let in and whose is thrown away.
type SenderLists struct {
	Allow   []string  `json:"allow" maxItems:"1000" doc:"Whose mail is let in: addresses, @example.jp, *@*.example.jp"`
	Deny    []string  `json:"deny" maxItems:"1000" doc:"Whose mail is thrown away"`
	Changed time.Time `json:"changed,omitzero" readOnly:"true" doc:"When they were changed last; absent: never"`
	By      string    `json:"by,omitempty" readOnly:"true" doc:"Who changed them"`
}

// SenderImport tells what a file changed.
type SenderImport struct {
	Added   int `json:"added" doc:"Entries that were not there"`
	Removed int `json:"removed" doc:"Entries that are no longer there"`
}

func (s *Server) addSenderLists(path string) {
	const tag = "filter"
	read, write, get := directory.RightPolicyRead, directory.RightPolicy, http.MethodGet
	add(s, operation{ID: "getSenderLists", Method: get, Path: path + "/lists", Right: read, Tag: tag, Summary: "Show the company's lists of allowed and denied senders."}, s.getSenderLists)
	add(s, operation{ID: "setSenderLists", Method: http.MethodPut, Path: path + "/lists", Right: write, Tag: tag, Summary: "Replace the company's lists of allowed and denied senders."}, s.setSenderLists)
	add(s, operation{ID: "exportSenderLists", Method: get, Path: path + "/lists.csv", Right: read, Tag: tag, Summary: "Export the company's lists of senders as a CSV file that can be imported again."}, s.exportSenderLists)
	add(s, operation{ID: "importSenderLists", Method: http.MethodPost, Path: path + "/lists.csv", Right: write, Tag: tag, MaxBody: bulk.MaxFile, Deadline: uploadTime, Status: http.StatusOK,
		Summary: "Import lists of senders from a CSV file in UTF-8 or Shift_JIS, all or nothing."}, s.importSenderLists)
}

func patternTexts(list []mail.SenderPattern) []string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = string(p)
	}
	return texts
}

func patternsOf(texts []string) []mail.SenderPattern {
	list := make([]mail.SenderPattern, len(texts))
	for i, t := range texts {
		list[i] = mail.SenderPattern(t)
	}
	return list
}

func (s *Server) getSenderLists(ctx context.Context, c *Call, _ *InTenant) (*Tagged[SenderLists], error) {
	l, err := c.Company.CompanySenders(ctx)
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, SenderLists{patternTexts(l.Allow), patternTexts(l.Deny), l.Changed, l.By}), nil
}

func (s *Server) setSenderLists(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
	Body SenderLists
}) (*Tagged[SenderLists], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	lists := directory.SenderLists{Allow: patternsOf(in.Body.Allow), Deny: patternsOf(in.Body.Deny)}
	if err := c.Company.SetCompanySenders(ctx, c.Actor(), version, lists); err != nil {
		return nil, err
	}
	return s.getSenderLists(ctx, c, &in.InTenant)
}

func (s *Server) exportSenderLists(ctx context.Context, c *Call, in *struct {
	InTenant
	Charset  string `query:"charset" enum:"utf-8,cp932" default:"utf-8" doc:"utf-8 has a byte order mark"`
	Lossless bool   `query:"lossless" doc:"Write fields as they are; otherwise an apostrophe goes before what spreadsheets take for a formula"`
}) (*download, error) {
	l, err := c.Company.CompanySenders(ctx)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	form := bulk.Form{Charset: bulk.Charset(in.Charset), Lossless: in.Lossless, Japanese: c.Lang == string(i18n.Japanese)}
	lacking, err := bulk.WriteSenders(&file, l.SenderLists, form)
	if err != nil {
		return nil, err
	}
	if len(lacking) > 0 {
		return nil, lacking[0].Err
	}
	out := newDownload("senders.csv", file.Bytes())
	if form.Charset == bulk.CP932 {
		out.Type = "text/csv; charset=windows-31j"
	}
	return out, nil
}

func (s *Server) importSenderLists(ctx context.Context, c *Call, in *struct {
	InTenant
	Replace bool   `query:"replace" doc:"What the file does not name goes"`
	RawBody []byte `contentType:"text/csv"`
}) (*struct{ Body SenderImport }, error) {
	edit, err := bulk.ReadSenders(in.RawBody)
	if err != nil {
		return nil, err
	}
	have, err := c.Company.CompanySenders(ctx)
	if err != nil {
		return nil, err
	}
	lists, added, removed := edit.Apply(have.SenderLists, in.Replace)
	if err := c.Company.SetCompanySenders(ctx, c.Actor(), have.Version, lists); err != nil {
		return nil, err
	}
	return &struct{ Body SenderImport }{SenderImport{added, removed}}, nil
}
