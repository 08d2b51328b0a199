package spam

import (
	"context"
	"slices"

	"tegami/policy"
	engine "tegami/policy/spam"
)

// Folds is how many parts a corpus is cut into: each is judged by what the others taught.
const Folds = 5

// A Result is what was said of one mail.
type Result struct {
	Mail
	Score   float64 // a percentage of ours; of others their own score
	Reasons []policy.Reason
}

// fold gives each mail its part, by turns within spam and ham.
func fold(all []Mail) []int {
	folds, turn := make([]int, len(all)), [2]int{}
	for i, m := range all {
		kind := 0
		if m.Spam {
			kind = 1
		}
		folds[i] = turn[kind] % Folds
		turn[kind]++
	}
	return folds
}

// CrossValidate judges each mail by a memory that was taught all mail of the other folds.
func CrossValidate(ctx context.Context, all []Mail, c engine.Config) []Result {
	folds, features := fold(all), make([]*engine.Features, len(all))
	for i, m := range all {
		features[i] = Look(m)
	}
	results := make([]Result, len(all))
	for f := range Folds {
		memory := NewMemory()
		for i, m := range all {
			if folds[i] != f {
				memory.Teach(engine.Tokens(features[i]), m.Spam)
			}
		}
		for i, m := range all {
			if folds[i] == f {
				s := engine.Score(ctx, features[i], memory, c)
				results[i] = Result{m, s.Percent, s.Reasons}
			}
		}
	}
	return results
}

// Cold judges each mail by what ships with the program.
func Cold(ctx context.Context, all []Mail) []Result {
	results := make([]Result, len(all))
	for i, m := range all {
		s := engine.Score(ctx, Look(m), nil, engine.Config{})
		results[i] = Result{m, s.Percent, s.Reasons}
	}
	return results
}

// Rates are shares of mail over a bound.
type Rates struct {
	Caught, Spam int
	Wrong, Ham   int // ham over the bound
}

// Over counts the mail whose score is over a bound.
func Over(results []Result, bound float64) (r Rates) {
	for _, x := range results {
		over := x.Score > bound
		switch {
		case x.Spam && over:
			r.Caught++
			fallthrough
		case x.Spam:
			r.Spam++
		case over:
			r.Wrong++
			fallthrough
		default:
			r.Ham++
		}
	}
	return r
}

// CaughtAt gives how much spam is caught where the bound is set so that at most a share of ham is over it.
func CaughtAt(results []Result, ham float64) float64 {
	var good []float64
	for _, x := range results {
		if !x.Spam {
			good = append(good, x.Score)
		}
	}
	slices.Sort(good)
	bound := good[len(good)-1-int(ham*float64(len(good)))]
	r := Over(results, bound)
	return float64(r.Caught) / float64(r.Spam)
}

// Area is the area under the ROC curve: how often a spam scores higher than a ham; ties count half.
func Area(results []Result) float64 {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, func(a, b Result) int {
		switch {
		case a.Score < b.Score:
			return -1
		case a.Score > b.Score:
			return 1
		}
		return 0
	})
	var ham, spam, area float64
	for i := 0; i < len(sorted); {
		var h, s float64
		j := i
		for ; j < len(sorted) && sorted[j].Score == sorted[i].Score; j++ {
			if sorted[j].Spam {
				s++
			} else {
				h++
			}
		}
		area += s * (ham + h/2)
		ham, spam, i = ham+h, spam+s, j
	}
	return area / (ham * spam)
}

// Judge judges mails by a memory that was taught others.
func Judge(ctx context.Context, taught, mails []Mail, c engine.Config) []Result {
	memory := NewMemory()
	for _, m := range taught {
		memory.Teach(engine.Tokens(Look(m)), m.Spam)
	}
	results := make([]Result, len(mails))
	for i, m := range mails {
		s := engine.Score(ctx, Look(m), memory, c)
		results[i] = Result{m, s.Percent, s.Reasons}
	}
	return results
}
