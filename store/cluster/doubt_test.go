package cluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/sql"
)

// TestDoubtStays: when it is not known how a commit came out, a second Update with the same octets that is refused (because
// the first did commit) does not let Release remove them.
func TestDoubtStays(t *testing.T) {
	p := newPair(t, newStand(t), nil)
	m := p.mailbox(1)
	tenant := p.a.tenant(company)
	st, err := tenant.Blobs().Stage(p.ctx, 0)
	p.ok(err)
	_, err = io.WriteString(st, large)
	p.ok(err)
	p.ok(st.Seal(p.ctx))
	fn := func(tx store.Tx) error {
		if _, err := tx.Mailbox(m.ID); err != nil { // so that nothing is asked behind Keep, and the commit is what is refused
			return err
		}
		ref, err := tx.Keep(st, nil)
		if err == nil {
			_, err = tx.AddMessage(store.NewMessage{Mailbox: m.ID, Blob: ref})
		}
		return err
	}
	p.ok(update(p.a, fn))
	// As if the answer to that commit had been lost.
	s := st.(*staged)
	s.stored = false
	(&keeper{tenant: tenant, kept: []*staged{s}}).doubt()

	if err := update(p.a, fn); err == nil {
		t.Fatal("the same octets were kept twice")
	}
	st.Release()
	if n := len(p.keys()); n != 1 {
		t.Errorf("%d objects are left of a message that is there", n)
	}
	p.sound()
}

// TestDamagedOctets: octets that are not all there are an error, and never a shorter message.
func TestDamagedOctets(t *testing.T) {
	p := newPair(t, newStand(t), nil)
	m := p.mailbox(1)
	p.ok(deliver(p.a, large, m.ID))
	p.ok(deliver(p.a, "small", m.ID))
	db, err := pgx.Connect(p.ctx, p.a.config.OwnerDSN)
	p.ok(err)
	defer db.Close(p.ctx)
	_, err = db.Exec(p.ctx, "DELETE FROM body")
	p.ok(err)
	path, err := p.a.config.Objects.(Folder).path(p.keys()[0])
	p.ok(err)
	p.ok(os.Truncate(path, 100))

	var refs []mail.BlobRef
	p.ok(p.a.Tenant(company).View(p.ctx, func(r store.Reader) error {
		return r.Messages(m.ID, 1, 1<<32-1, 0, func(msg *store.Message) bool { refs = append(refs, msg.Blob); return true })
	}))
	for _, ref := range refs {
		b, err := p.a.Tenant(company).Blobs().Open(p.ctx, ref)
		if err == nil {
			_, err = b.WriteRange(new(bytes.Buffer), 0, b.Size())
			p.ok(b.Close())
		}
		if key, _ := mail.TextOf(err); key != "storage.damaged" || !mail.Is(err, mail.Unavailable) {
			t.Errorf("of %d octets that are not all there: %v", ref.Size, err)
		}
	}
}

// TestNoRoomPasses: a full disk is the platform's trouble and passes. It is not the kind of error that a full box is, which is for good.
func TestNoRoomPasses(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	for _, err := range []error{fileError("test", full), storageError(&pgconn.PgError{Code: "53100"})} {
		if key, _ := mail.TextOf(err); key != "storage.full" || !mail.Is(err, mail.Unavailable) {
			t.Errorf("%v", err)
		}
	}
	if err := storageError(&net.OpError{Op: "read", Err: errors.New("x")}); !mail.Is(err, mail.Unavailable) {
		t.Errorf("%v", err)
	}
}

// TestCommitsAreDurable: an acknowledged commit is on disk, even where the role's default is another.
func TestCommitsAreDurable(t *testing.T) {
	stand := newStand(t)
	config := stand.config(t)
	owner, err := pgx.Connect(t.Context(), strings.Replace(config.OwnerDSN, "user=tegami_owner", "user=postgres", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(t.Context())
	if _, err := owner.Exec(t.Context(), "ALTER ROLE tegami SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	s := open(t, config)
	c, err := s.writers.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.writers.put(c)
	mode := ""
	c.texts[len(c.texts)-int(numStatements)+int(stVersion)] = "SELECT current_setting('synchronous_commit')"
	if err := c.ask(stVersion, func(r sql.Row) bool { mode = r.Text(0); return false }); err != nil || mode != "on" {
		t.Errorf("synchronous_commit is %q, %v", mode, err)
	}
}

// keepsOne is an object store that does not let go of one tenant's objects.
type keepsOne struct {
	Objects
	tenant mail.TenantID
}

func (k keepsOne) Delete(ctx context.Context, key string) error {
	if strings.HasPrefix(key, k.tenant.String()) {
		return mail.E("test.Delete", mail.Unavailable, "storage.failed")
	}
	return k.Objects.Delete(ctx, key)
}

// TestSweepGoesOn: what fails for one tenant does not keep the sweep from the next.
func TestSweepGoesOn(t *testing.T) {
	config := newStand(t).config(t)
	config.Objects = keepsOne{config.Objects, company}
	s := open(t, config)
	db, err := pgx.Connect(t.Context(), config.OwnerDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	for id := company; id < company+2; id++ {
		if err := s.CreateTenant(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), "INSERT INTO blob (tenant, id, size, hash, pack, off) VALUES ($1, 1000, 0, '', 1, 0)", int64(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.sweepAll(); !mail.Is(err, mail.Unavailable) {
		t.Errorf("a sweep that failed for a tenant: %v", err)
	}
	if list, err := s.tenant(company+1).places(t.Context(), 0); err != nil || len(list) != 0 {
		t.Errorf("the next tenant still has %d dead blobs, %v", len(list), err)
	}
}
