package spam

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed peers/spamassassin.pl
var spamAssassinScript string

// first gives the mails of the first n folds and all of their folds; a peer judges only these, taught by all others.
func first(all []Mail, n int) (list []int, folds []int) {
	folds = fold(all)
	for i := range all {
		if folds[i] < n {
			list = append(list, i)
		}
	}
	return list, folds
}

// Part leaves the results of the mails of the first n folds.
func Part(all []Mail, results []Result, n int) (part []Result) {
	list, _ := first(all, n)
	for _, i := range list {
		part = append(part, results[i])
	}
	return part
}

// SpamAssassin judges the mails of the first n folds by SpamAssassin without network tests, its Bayes taught the other folds. dir is for its state.
func SpamAssassin(ctx context.Context, all []Mail, n int, dir string) ([]Result, error) {
	list, folds := first(all, n)
	var manifest bytes.Buffer
	at := map[string]int{}
	for i, m := range all {
		path := filepath.Join(dir, fmt.Sprintf("%d.eml", i))
		if err := os.WriteFile(path, m.Octets, 0o600); err != nil {
			return nil, err
		}
		at[path] = i
		fmt.Fprintf(&manifest, "%s\t%d\t%s\n", path, folds[i], map[bool]string{true: "spam", false: "ham"}[m.Spam])
	}
	cmd := exec.CommandContext(ctx, "nice", "perl", "-e", spamAssassinScript, dir, strconv.Itoa(n))
	cmd.Stdin = &manifest
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("spamassassin: %w", err)
	}
	scores := map[int]float64{}
	for line := range strings.Lines(string(out)) {
		path, score, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if scores[at[path]], err = strconv.ParseFloat(score, 64); err != nil {
			return nil, err
		}
	}
	var results []Result
	for _, i := range list {
		results = append(results, Result{Mail: all[i], Score: scores[i]})
	}
	return results, nil
}

// rspamdFiles are the settings of a private Rspamd: Bayes in files, one worker on loopback, nothing that asks the network.
func rspamdFiles(dir, address string) map[string]string {
	files := map[string]string{
		"worker-controller.inc": fmt.Sprintf("bind_socket = %q; count = 1; secure_ip = \"127.0.0.1\";", address),
		"worker-normal.inc":     "enabled = false;", "worker-proxy.inc": "enabled = false;", "worker-fuzzy.inc": "enabled = false;",
		"options.inc": `dns { nameserver = ["127.0.0.1:9"]; timeout = 0.01s; retransmits = 0; } filters = "chartable,regexp";`,
		"logging.inc": fmt.Sprintf("type = \"file\"; filename = %q; level = \"error\";", filepath.Join(dir, "log")),
		"statistic.conf": fmt.Sprintf(`classifier "bayes" { tokenizer { name = "osb"; } cache { type = "sqlite3"; path = "%[1]s/learned"; }
			backend = "sqlite3"; min_tokens = 11; min_learns = 200;
			statfile { symbol = "BAYES_HAM"; path = "%[1]s/ham"; spam = false; } statfile { symbol = "BAYES_SPAM"; path = "%[1]s/spam"; spam = true; } }`, dir),
	}
	for m := range strings.FieldsSeq("rbl surbl fuzzy_check spf dkim arc dmarc asn mx_check whitelist url_redirector phishing milter_headers greylist ratelimit neural replies") {
		files[m+".conf"] = "enabled = false;"
	}
	return files
}

// Rspamd judges the mails of the first n folds by a private Rspamd at address, its Bayes taught the other folds. dir is for its state.
func Rspamd(ctx context.Context, all []Mail, n int, dir, address string) ([]Result, error) {
	_, folds := first(all, n)
	scores := make([]float64, len(all))
	run := &rspamdRun{all, folds, scores, address}
	for f := range n {
		if err := run.fold(ctx, f, filepath.Join(dir, strconv.Itoa(f))); err != nil {
			return nil, fmt.Errorf("rspamd: %w", err)
		}
	}
	results := make([]Result, len(all))
	for i, m := range all {
		results[i] = Result{Mail: m, Score: scores[i]}
	}
	return Part(all, results, n), nil
}

// rspamdRun is what the folds have in common.
type rspamdRun struct {
	all     []Mail
	folds   []int
	scores  []float64
	address string
}

// fold runs one Rspamd for one fold.
func (r *rspamdRun) fold(ctx context.Context, f int, dir string) error {
	all, folds, scores, address := r.all, r.folds, r.scores, r.address
	local := filepath.Join(dir, "override.d")
	if err := os.MkdirAll(local, 0o700); err != nil {
		return err
	}
	for name, text := range rspamdFiles(dir, address) {
		if err := os.WriteFile(filepath.Join(local, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "nice", "rspamd", "-f", "-i", "-c", "/etc/rspamd/rspamd.conf",
		"--var=LOCAL_CONFDIR="+dir, "--var=DBDIR="+dir, "--var=RUNDIR="+dir, "--var=LOGDIR="+dir)
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }()
	if err := answering(ctx, address); err != nil {
		return err
	}
	for i, m := range all {
		if folds[i] != f {
			path := map[bool]string{true: "learnspam", false: "learnham"}[m.Spam]
			if _, err := post(ctx, address, path, m.Octets); err != nil {
				return err
			}
		}
	}
	for i, m := range all {
		if folds[i] != f {
			continue
		}
		b, err := post(ctx, address, "checkv2", m.Octets)
		if err != nil {
			return err
		}
		var answer struct{ Score float64 }
		if err := json.Unmarshal(b, &answer); err != nil {
			return err
		}
		scores[i] = answer.Score
	}
	return nil
}

// answering waits until a server answers.
func answering(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		if _, err := post(ctx, address, "ping", nil); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// post asks the server. A message it refuses to learn, because it is too short or was learned, is no error.
func post(ctx context.Context, address, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
