package app

import (
	"tegami/jobs"
	"tegami/jobs/files"
)

// jobKinds are the kinds of long work there are.
func (p *Platform) jobKinds() []jobs.Kind { return []jobs.Kind{files.Kind()} }
