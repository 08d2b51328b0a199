package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
	"tegami/store/storetest"
)

func TestCP7ForgetsOldActs(t *testing.T) {
	s := open(t, newStand(t).config(t))
	storetest.RunForget(t, s, func(id mail.TenantID, at time.Time, fn func(store.Tx) error) error {
		c, err := s.writers.get(context.Background())
		if err != nil {
			return err
		}
		defer s.writers.put(c)
		tx := sql.NewTx(c, sql.NewCache(id), s.ids, nil)
		tx.Start(at)
		c.begin(stBegin, id)
		if err := errors.Join(tx.Run(storetest.Actor(), "storetest", fn), tx.Flush()); err != nil {
			return errors.Join(err, c.abandon())
		}
		return c.end()
	})
}
