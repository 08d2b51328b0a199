package spam

import (
	"cmp"
	"encoding/binary"
	"slices"

	engine "tegami/policy/spam"
)

// How the base that ships is made.
const (
	baseVariants = 12 // mails made of each text
	baseCommon   = 3  // of how many of these a token must be part of, to be the text's own and no chance of a slot
	baseSeed     = 7
)

// MakeBase counts the tokens of the texts that keep lets pass, in the form of base.bin. A text counts once: its variants are no
// independent witnesses.
func MakeBase(keep func(group string) bool) ([]byte, error) {
	counts, total := map[uint32]engine.Count{}, engine.Count{}
	for _, language := range []string{"ja", "en"} {
		mails, err := Made(language, baseVariants, baseSeed)
		if err != nil {
			return nil, err
		}
		for len(mails) > 0 {
			if keep(mails[0].Group) {
				countText(counts, &total, mails[:baseVariants])
			}
			mails = mails[baseVariants:]
		}
	}
	return writeBase(counts, total), nil
}

// countText counts the tokens that are common to the mails of one text.
func countText(counts map[uint32]engine.Count, total *engine.Count, mails []Mail) {
	seen := map[uint32]int{}
	for _, m := range mails {
		for _, t := range engine.Tokens(Look(m)) {
			seen[engine.BaseKey(t)]++
		}
	}
	for key, n := range seen {
		if n >= baseCommon {
			c := counts[key]
			count(&c, mails[0].Spam)
			counts[key] = c
		}
	}
	count(total, mails[0].Spam)
}

// writeBase writes counts in the form of base.bin.
func writeBase(counts map[uint32]engine.Count, total engine.Count) []byte {
	type row struct {
		key uint32
		engine.Count
	}
	var rows []row
	for k, c := range counts {
		rows = append(rows, row{k, c})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
	out := binary.LittleEndian.AppendUint32(nil, total.Spam)
	out = binary.LittleEndian.AppendUint32(out, total.Ham)
	for _, r := range rows {
		out = binary.LittleEndian.AppendUint32(out, r.key)
	}
	for _, r := range rows {
		out = append(out, byte(min(r.Spam, 255)), byte(min(r.Ham, 255)))
	}
	return out
}
