// Command evaluate tries the spam engine on labelled mail and writes the tables of docs/spam.md.
//
//	evaluate -corpus FOLDER                  five folds of the corpus, with and without what only it has; cold; mail of our own making
//	evaluate -corpus FOLDER -peers 5         SpamAssassin and Rspamd beside it, each taught and asked the same, for so many of the folds
//	evaluate -corpus FOLDER -test FOLDER     judges one corpus by what another taught
//	evaluate -corpus FOLDER -worst 10        the mails judged worst, and why
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"

	lab "tegami/lab/spam"
	engine "tegami/policy/spam"
)

func main() {
	corpus := flag.String("corpus", "", "folder with labels.tsv")
	test := flag.String("test", "", "folder with labels.tsv of other mail to judge")
	peers := flag.Int("peers", 0, "folds to try SpamAssassin and Rspamd on")
	worst := flag.Int("worst", 0, "how many of the mails judged worst to show")
	flag.Parse()
	if err := run(context.Background(), *corpus, *test, *peers, *worst); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, corpus, test string, peers, worst int) error {
	all, err := lab.Load(corpus)
	if err != nil {
		return err
	}
	fmt.Println("| mail | > 50 % caught | > 90 % caught | > 90 % ham | > 99 % caught | > 99 % ham | area under ROC | caught at 0.1 % ham | at 0.5 % |\n|---|---|---|---|---|---|---|---|---|")
	if test != "" {
		return unseen(ctx, all, test, worst)
	}
	results := lab.CrossValidate(ctx, all, engine.Config{})
	row("five folds", results)
	bare := make([]lab.Mail, len(all))
	for i, m := range all {
		bare[i] = lab.Bare(m)
	}
	row("five folds, bare", lab.CrossValidate(ctx, bare, engine.Config{}))
	row("cold", lab.Cold(ctx, all))
	for _, language := range []string{"ja", "en"} {
		made, err := lab.ColdMade(ctx, language)
		if err != nil {
			return err
		}
		row("made, "+language+", cold", made)
	}
	made, err := lab.TaughtMade(ctx, "ja")
	if err != nil {
		return err
	}
	row("made, ja, taught", made)
	show(results, worst)
	if peers > 0 {
		return beside(ctx, all, results, peers)
	}
	return nil
}

// unseen judges other mail by what the corpus taught.
func unseen(ctx context.Context, all []lab.Mail, test string, worst int) error {
	others, err := lab.Load(test)
	if err != nil {
		return err
	}
	results := lab.Judge(ctx, all, others, engine.Config{})
	row("unseen", results)
	show(results, worst)
	return nil
}

// beside writes the table of three engines on the same mail.
func beside(ctx context.Context, all []lab.Mail, ours []lab.Result, folds int) error {
	dir, err := os.MkdirTemp("", "spam")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sa, err := lab.SpamAssassin(ctx, all, folds, dir)
	if err != nil {
		return err
	}
	rs, err := lab.Rspamd(ctx, all, folds, dir, "127.0.0.1:21334")
	if err != nil {
		return err
	}
	fmt.Println("\n| engine | area under ROC | caught at 0 ham | at 0.1 % | at 0.5 % | at 1 % | at its own bound | ham over it |\n|---|---|---|---|---|---|---|---|")
	roc("Tegami", lab.Part(all, ours, folds), 90)
	roc("SpamAssassin", sa, 5)
	roc("Rspamd", rs, 6)
	return nil
}

func row(name string, r []lab.Result) {
	a, b, c := lab.Over(r, 50), lab.Over(r, 90), lab.Over(r, 99)
	fmt.Printf("| %s | %s | %s | %d of %d (%s) | %s | %d | %.5f | %s | %s |\n", name, percent(a.Caught, a.Spam), percent(b.Caught, b.Spam), b.Wrong, b.Ham, percent(b.Wrong, b.Ham),
		percent(c.Caught, c.Spam), c.Wrong, lab.Area(r), share(lab.CaughtAt(r, .001)), share(lab.CaughtAt(r, .005)))
}

func roc(name string, r []lab.Result, bound float64) {
	o := lab.Over(r, bound)
	fmt.Printf("| %s | %.5f | %s | %s | %s | %s | %s | %d of %d |\n", name, lab.Area(r), share(lab.CaughtAt(r, 0)), share(lab.CaughtAt(r, .001)),
		share(lab.CaughtAt(r, .005)), share(lab.CaughtAt(r, .01)), percent(o.Caught, o.Spam), o.Wrong, o.Ham)
}

func percent(n, of int) string { return share(float64(n) / float64(of)) }
func share(x float64) string   { return fmt.Sprintf("%.2f %%", 100*x) }

// show tells the mails judged worst.
func show(results []lab.Result, n int) {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, func(a, b lab.Result) int { return cmp.Compare(wrong(b), wrong(a)) })
	for _, x := range sorted[:min(n, len(sorted))] {
		fmt.Println(x.Name, x.Score, x.Reasons[:min(8, len(x.Reasons))])
	}
}

// wrong is how far a result is from what it should be.
func wrong(x lab.Result) float64 {
	if x.Spam {
		return 100 - x.Score
	}
	return x.Score
}
