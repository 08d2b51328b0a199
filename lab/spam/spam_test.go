package spam

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tegami/lab/archives"
	engine "tegami/policy/spam"
)

// bounds asserts rates with a margin: what is caught over 90 %, and how much ham may be over it.
func bounds(t *testing.T, name string, results []Result, caught float64, wrong int) {
	t.Helper()
	r := Over(results, 90)
	share := float64(r.Caught) / float64(r.Spam)
	t.Logf("%s: %d of %d spam (%.2f %%) and %d of %d ham over 90 %%, area %.5f", name, r.Caught, r.Spam, 100*share, r.Wrong, r.Ham, Area(results))
	if share < caught || r.Wrong > wrong {
		t.Errorf("%s: caught %.4f, want %.4f; wrong %d, want at most %d", name, share, caught, r.Wrong, wrong)
	}
}

// TestSF1Corpus is the short form of the evaluation: every third mail of the corpus, in five folds.
func TestSF1Corpus(t *testing.T) {
	all, err := Load(filepath.Join(archives.Unpack(t, "spam-spamassassin"), "spam-spamassassin"))
	if err != nil {
		t.Fatal(err)
	}
	var third, bare []Mail
	for i, m := range all {
		if i%3 == 0 {
			third, bare = append(third, m), append(bare, Bare(m))
		}
	}
	bounds(t, "five folds", CrossValidate(t.Context(), third, engine.Config{}), .88, 3)
	bounds(t, "five folds, bare", CrossValidate(t.Context(), bare, engine.Config{}), .88, 6)
	bounds(t, "cold", Cold(t.Context(), third), .5, 3)
}

// TestVC4ColdFilter judges Japanese mail by a base that knows other texts only: a new company has a filter of use.
func TestVC4ColdFilter(t *testing.T) {
	results, err := ColdMade(t.Context(), "ja")
	if err != nil {
		t.Fatal(err)
	}
	spam, ham := 0, 0
	for _, r := range results {
		if r.Spam {
			spam++
		} else {
			ham++
		}
	}
	if spam < 200 || ham < 200 {
		t.Errorf("%d spam and %d ham", spam, ham)
	}
	bounds(t, "made, cold", results, .4, 3)
}

// TestBaseIsMade compares the base that ships with the one its texts give.
func TestBaseIsMade(t *testing.T) {
	want, err := MakeBase(func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../policy/spam/base.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || len(got) > 1<<20 {
		t.Errorf("base.bin of %d octets is not what the texts give, %d: go generate ./policy/spam", len(got), len(want))
	}
}
