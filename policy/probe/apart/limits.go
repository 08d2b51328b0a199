package apart

import "time"

// Limits bound what one Walk takes, over the entire tree of members. A zero field means the default.
type Limits struct {
	Depth   int           // how deep containers are opened in each other; the file itself stands at 0
	Members int           // members of all containers together, folders included
	Total   int64         // octets that all members together may unpack to
	Each    int64         // octets that one member may unpack to
	Ratio   int           // how many times larger than itself a container may unpack to, once it gave more than ratioFree
	Time    time.Duration // how long a walk may take
}

// Default are the limits of the shipped service profile. Depth and members are ClamAV's; the sizes stand well above the largest
// message, and below what bombs need.
func Default() Limits {
	return Limits{Depth: 17, Members: 10_000, Total: 200 << 20, Each: 100 << 20, Ratio: 250, Time: 60 * time.Second}
}

// ratioFree is how much a container may unpack to before its ratio is looked at, in octets: short files of zeros are no bombs.
const ratioFree = 8 << 20

// workFactor is how many times Limits.Total the decoders may give altogether, with what was only read past: members of a solid
// archive that nobody wanted cost time as well.
const workFactor = 4

// filled gives the limits with defaults in place of zeros.
func (l Limits) filled() Limits {
	d := Default()
	fill(&l.Depth, d.Depth)
	fill(&l.Members, d.Members)
	fill(&l.Total, d.Total)
	fill(&l.Each, d.Each)
	fill(&l.Ratio, d.Ratio)
	fill(&l.Time, d.Time)
	return l
}

func fill[T int | int64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
