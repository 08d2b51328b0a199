package restd_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"tegami/mail"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/faulty"
)

// working is an API whose jobs are run.
func working(t *testing.T) *house {
	t.Helper()
	var run func(context.Context)
	h := newHouse(t, whole(&faulty.Plan{}), func(c *restd.Config, _ store.Store) { run = c.Jobs.Run })
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return h
}

// imports sends a file, and waits for the end of its job.
func (h *house) imports(tenant mail.TenantID, kind, query string, body string, headers ...string) (j restd.Job) {
	h.Helper()
	r := h.operate("POST", "/tenants/"+tenant.String()+"/imports/"+kind+"?"+query, body, headers...)
	if r.into(&j); r.Code != 202 || r.Header().Get("Location") != restd.Prefix+"/tenants/"+tenant.String()+"/jobs/"+j.ID.String() {
		h.Fatalf("%d %v", r.Code, r.Header())
	}
	for j.Ended.IsZero() {
		time.Sleep(time.Millisecond)
		h.operate("GET", "/tenants/"+tenant.String()+"/jobs/"+j.ID.String(), nil).into(&j)
	}
	return j
}

// TestCP5ImportByTheAPI: a CP932 file with bad lines is judged, done but for those, reported line by line in the reader's language,
// and the passwords that were made are handed out once.
func TestCP5ImportByTheAPI(t *testing.T) {
	h := working(t)
	tenant := h.company("alpha.example")
	at := "/tenants/" + tenant.String()
	text, err := japanese.ShiftJIS.NewEncoder().String("処理,メールアドレス,姓,容量外\r\n")
	h.must(err)
	h.operate("POST", at+"/imports/accounts", text, "Content-Type", "text/csv").says(422, "import.column")
	h.operate("POST", at+"/imports/accounts", "action,address,quota\n", "Content-Type", "text/csv").says(422, "import.size_fixed")
	h.operate("POST", at+"/imports/accounts", strings.Repeat("x", 10<<20+1), "Content-Type", "text/csv").says(409, "import.too_big")
	text, err = japanese.ShiftJIS.NewEncoder().String("処理,メールアドレス,姓\r\n追加,a@alpha.example,髙橋\r\n追加,root@alpha.example,\r\n追加,b@gamma.example,\r\n")
	h.must(err)
	j := h.imports(tenant, "accounts", "dryRun=true&name=名簿.csv", text, "Content-Type", "text/csv")
	if j.State != "done" || j.Good != 1 || j.Bad != 2 || j.Counts["added"] != 1 || j.Lines != 2 || j.Sheet != nil || j.Title != "名簿.csv" {
		t.Fatalf("%+v", j)
	}
	j = h.imports(tenant, "accounts", "", text, "Content-Type", "text/csv")
	if j.State != "failed" || j.Failure == nil || j.Failure.Key != "import.refused" || j.Failure.Detail == "" {
		t.Fatalf("%+v", j)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "form.csv")
	h.must(err)
	fmt.Fprint(part, text)
	h.must(w.Close())
	j = h.imports(tenant, "accounts", "goodLinesOnly=true", form.String(), "Content-Type", w.FormDataContentType())
	if j.State != "done" || j.Counts["added"] != 1 || j.Title != "form.csv" || j.Sheet == nil || !j.Sheet.Ready {
		t.Fatalf("%+v", j)
	}
	job := at + "/jobs/" + j.ID.String()
	report := h.operate("GET", job+"/report.csv", nil, "Accept-Language", "ja").Body.String()
	if !strings.HasPrefix(report, "\ufeff行番号,列,コード,メッセージ\r\n3,address,address.reserved,") || strings.Count(report, "\r\n") != 3 {
		t.Errorf("%q", report)
	}
	var lines struct{ Items []restd.JobLine }
	h.operate("GET", job+"/report?limit=1&offset=1", nil).into(&lines)
	if len(lines.Items) != 1 || lines.Items[0].Line != 4 || lines.Items[0].Code != "domain.unknown" {
		t.Errorf("%+v", lines)
	}
	sheet := h.operate("POST", job+"/sheet", nil)
	if sheet.Code != 200 || !strings.Contains(sheet.Body.String(), "a@alpha.example,") || !strings.HasPrefix(sheet.Header().Get("Content-Type"), "text/csv") {
		t.Errorf("%d %v %q", sheet.Code, sheet.Header(), sheet.Body)
	}
	h.operate("POST", job+"/sheet", nil).says(404, "jobs.no_sheet")
	export := h.operate("GET", at+"/exports/accounts.csv?domain=alpha.example", nil)
	if !strings.Contains(export.Body.String(), "update,a@alpha.example,,髙橋,") {
		t.Errorf("%q", export.Body)
	}
	var all struct{ Items []restd.Job }
	h.operate("GET", at+"/jobs", nil).into(&all)
	if len(all.Items) != 3 || all.Items[0].ID != j.ID {
		t.Errorf("%+v", all)
	}
	h.operate("GET", "/tenants/"+h.company("beta.example").String()+"/jobs/"+j.ID.String(), nil).says(404, "jobs.unknown")
}
