package domains

import (
	"context"
	"time"

	"tegami/wire/dns"
)

// TendAt is Tend at another time, for tests.
func TendAt(s *Service, l dns.Lookup, now time.Time) error {
	ctx := context.Background()
	tenants, err := s.dir.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		if err := s.tendTenant(ctx, l, t.ID, now); err != nil {
			return err
		}
	}
	return nil
}

// Judge is judge, for tests.
func Judge(s *Service, r Record, found []string) (RecordState, []string) { return s.judge(r, found) }
