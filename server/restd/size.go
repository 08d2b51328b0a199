package restd

import "tegami/mail"

// SizeFixed stands in the bodies of accounts for what cannot be set: a box's size is the plan of its domain, for all boxes of the
// domain alike (SV-4, ML-2). Who tries is told why, not that there is no such field.
type SizeFixed struct {
	Size  any `json:"size,omitempty" doc:"Always refused with account.size_fixed: the size of boxes is the plan of the whole domain"`
	Quota any `json:"quota,omitempty" doc:"As size"`
}

// refused is the error for somebody who wants to set a size: Invalid "account.size_fixed".
func (f SizeFixed) refused() error {
	if f.Size == nil && f.Quota == nil {
		return nil
	}
	return mail.E("restd.SizeFixed", mail.Invalid, "account.size_fixed")
}
