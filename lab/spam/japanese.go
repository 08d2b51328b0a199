package spam

import (
	"context"
	"strings"

	engine "tegami/policy/spam"
)

// ColdMade judges the mails we made by a base that was taught the texts of the other folds only: no mail is judged by its own text.
func ColdMade(ctx context.Context, language string) ([]Result, error) {
	mails, err := Made(language, Variants, baseSeed+1)
	if err != nil {
		return nil, err
	}
	folds := textFolds(mails)
	var results []Result
	for f := range Folds {
		b, err := MakeBase(func(group string) bool { fold, ours := folds[group]; return !ours || fold != f })
		if err != nil {
			return nil, err
		}
		for _, m := range mails {
			if folds[m.Group] == f {
				s := engine.Score(ctx, Look(m), nil, engine.Config{Base: b})
				results = append(results, Result{m, s.Percent, s.Reasons})
			}
		}
	}
	return results, nil
}

// TaughtMade judges the mails we made by a memory that was taught the mails of the other folds' texts, without any base.
func TaughtMade(ctx context.Context, language string) ([]Result, error) {
	mails, err := Made(language, Variants, baseSeed+1)
	if err != nil {
		return nil, err
	}
	folds, features := textFolds(mails), make([]*engine.Features, len(mails))
	for i, m := range mails {
		features[i] = Look(m)
	}
	var results []Result
	for f := range Folds {
		memory := NewMemory()
		for i, m := range mails {
			if folds[m.Group] != f {
				memory.Teach(engine.Tokens(features[i]), m.Spam)
			}
		}
		for i, m := range mails {
			if folds[m.Group] == f {
				s := engine.Score(ctx, features[i], memory, engine.Config{NoBase: true})
				results = append(results, Result{m, s.Percent, s.Reasons})
			}
		}
	}
	return results, nil
}

// textFolds gives each text its fold, by turns within spam and ham.
func textFolds(mails []Mail) map[string]int {
	folds, turn := map[string]int{}, map[bool]int{}
	for _, m := range mails {
		if _, known := folds[m.Group]; !known && strings.Contains(m.Group, "-") {
			folds[m.Group] = turn[m.Spam] % Folds
			turn[m.Spam]++
		}
	}
	return folds
}
