package embedded

import (
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/storetest"
)

func TestCP7ForgetsOldActs(t *testing.T) {
	s := openTest(t, Options{})
	storetest.RunForget(t, s, func(id mail.TenantID, at time.Time, fn func(store.Tx) error) error {
		v, err := s.lookup(id).acquire()
		if err != nil {
			return err
		}
		defer v.tenant.release()
		return v.committer.exclusive(func() error {
			if err := v.beginWrite(); err != nil {
				return err
			}
			v.tx.Start(at)
			if err := v.tx.Run(storetest.Actor(), "storetest", fn); err != nil {
				return v.undo(err)
			}
			return v.endWrite()
		})
	})
}
