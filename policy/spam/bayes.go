package spam

import "math"

// How tokens speak. The figures were fitted by lab/spam; none of them is critical.
const (
	prior       = 0.01 // messages of each kind that are taken as seen with every token
	seldom      = 0.5  // a token seen in n messages counts n/(n+seldom)
	faint       = 0.7  // tokens whose log odds are nearer to 0 are not heard
	fewTaught   = 20   // messages, of spam and of ham each, by which what was taught is trusted half
	wordsOffset = 2.1  // log odds where the voices are undecided: of two minds is what spam is more often than ham
)

// voices are what each kind of token weighs when all it says is one thing, and how many tokens make it half sure. The last is all of them
// together.
var voices = [kinds + 1]struct{ weight, half float64 }{
	inBody:    {2.0, 7},
	inPair:    {1.75, 14},
	inSubject: {1.1, 2},
	inName:    {1.1, 1.4},
	inAuthor:  {1.5, 1.4},
	inLink:    {0.5, 2.8},
	inForm:    {1.45, 2.8},
	inMarkup:  {0, 4},
	inFile:    {0.8, 1.4},
	kinds:     {2.0, 14},
}

// voice is what the tokens of one kind say.
type voice struct {
	sum, size float64
	n         int
}

// listen weighs tokens by their counts. The sum of the log odds would take words that stand together for independent witnesses; so
// each kind of token speaks with the mean of its log odds, in which those far from 0 weigh more, and the louder the more tokens there are.
func listen(tokens []uint64, counts []Count, total Count) (weight float64, heard int) {
	if total.Spam == 0 || total.Ham == 0 || len(tokens) != len(counts) {
		return 0, 0
	}
	var said [kinds + 1]voice
	for i, c := range counts {
		e := c.evidence(total)
		size := math.Abs(e)
		if size <= faint {
			continue
		}
		size *= math.Sqrt(size)
		if k := kindOf(tokens[i]); k < kinds {
			said[k].add(e, size)
		}
		said[kinds].add(e, size)
	}
	for k, v := range said {
		weight += voices[k].weight * v.mean(voices[k].half)
	}
	return weight, said[kinds].n
}

func (v *voice) add(e, size float64) {
	v.sum += e * size
	v.size += math.Abs(e) * size
	v.n++
}

// mean is from -1, all ham, to 1, all spam.
func (v *voice) mean(half float64) float64 {
	if v.n == 0 {
		return 0
	}
	return v.sum / v.size * (1 - math.Exp2(-float64(v.n)/half))
}

// trust is how far counts are believed, from 0 to 1.
func (c Count) trust() float64 {
	few := float64(min(c.Spam, c.Ham))
	return few / (few + fewTaught)
}

// evidence is the logarithm of how much likelier a token is in spam than in ham.
func (c Count) evidence(total Count) float64 {
	n := float64(c.Spam + c.Ham)
	if n == 0 {
		return 0
	}
	spam := (float64(c.Spam) + prior) / (float64(total.Spam) + 2*prior)
	ham := (float64(c.Ham) + prior) / (float64(total.Ham) + 2*prior)
	return math.Log(spam/ham) * n / (n + seldom)
}
