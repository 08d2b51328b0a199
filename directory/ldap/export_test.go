package ldap

import "time"

// SetClock gives the service another clock.
func (s *Service) SetClock(now func() time.Time) { s.now = now }
