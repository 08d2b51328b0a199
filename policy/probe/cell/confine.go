package cell

// Confinement says what a child gave up.
type Confinement struct {
	Memory  bool `json:"memory"`  // its address space is bounded, it writes no file and no core, its processor time ends
	Calls   bool `json:"calls"`   // it opens no file, no connection and starts no program (seccomp)
	Network bool `json:"network"` // it stands in a network of its own, with nobody in it
	// Problem is why not all of it could be given up; "" for none.
	Problem string `json:"problem,omitempty"`
}

// Whole tells whether nothing is left to be wished.
func (c Confinement) Whole() bool { return c.Memory && c.Calls }
