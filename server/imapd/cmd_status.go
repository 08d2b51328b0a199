package imapd

import (
	"context"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdStatus is STATUS (RFC 9051 §6.3.11).
func cmdStatus(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	var items imap.StatusItems
	if !d.SP() || !d.Mailbox(&path) || !d.SP() || !d.StatusList(&items) || !d.End() {
		return reply{}, d.Err()
	}
	f, err := s.account.Folder(ctx, path)
	if err != nil {
		return reply{}, err
	}
	return reply{}, s.status(ctx, &f, items)
}

// status writes one STATUS response.
func (s *session) status(ctx context.Context, f *mailbox.Folder, items imap.StatusItems) error {
	if items&imap.StatusHighestModSeq != 0 {
		s.useCondstore()
	}
	var deleted int64
	if items&imap.StatusDeletedStorage != 0 && f.Deleted > 0 {
		var err error
		if deleted, err = s.deletedStorage(ctx, f.Path); err != nil {
			return err
		}
	}
	s.writeStatus(f, items, deleted)
	return nil
}

// writeStatus writes one STATUS response; deleted is what statusValue needs to know for DELETED-STORAGE.
func (s *session) writeStatus(f *mailbox.Folder, items imap.StatusItems, deleted int64) {
	b := append(s.out.Begin(), "* STATUS "...)
	b = append(imap.AppendMailbox(b, f.Path, s.wide()), " ("...)
	start := len(b)
	for _, it := range imap.StatusNames {
		if items&it.Item == 0 {
			continue
		}
		if len(b) > start {
			b = append(b, ' ')
		}
		b = append(append(b, it.Name...), ' ')
		switch it.Item {
		case imap.StatusMailboxID:
			b = append(append(append(b, '('), f.ID.String()...), ')')
		case imap.StatusAppendLimit: // RFC 7889 §4: the same everywhere
			b = imap.AppendUint(b, uint64(s.srv.cfg.Limits.Message))
		default:
			b = imap.AppendUint(b, statusValue(f, it.Item, deleted))
		}
	}
	s.out.End(append(b, ")\r\n"...))
}

func statusValue(f *mailbox.Folder, item imap.StatusItems, deleted int64) uint64 {
	switch item {
	case imap.StatusMessages:
		return uint64(f.Messages)
	case imap.StatusUIDNext:
		return uint64(f.UIDNext)
	case imap.StatusUIDValidity:
		return uint64(f.UIDValidity)
	case imap.StatusUnseen:
		return uint64(f.Unseen)
	case imap.StatusDeleted:
		return uint64(f.Deleted)
	case imap.StatusSize:
		return uint64(f.Size)
	case imap.StatusHighestModSeq:
		return max(uint64(f.ModSeq), 1)
	case imap.StatusDeletedStorage:
		return uint64(deleted)
	}
	return 0 // RECENT: nothing is
}

// deletedStorage adds up the octets an EXPUNGE would free (RFC 9208 §4.1.4).
func (s *session) deletedStorage(ctx context.Context, path string) (sum int64, err error) {
	view, err := s.account.Select(ctx, path)
	if err != nil {
		return 0, err
	}
	defer view.Close()
	var seqs []uint32
	for seq, m := range view.All() {
		if m.Flags.Has(mail.Deleted) {
			seqs = append(seqs, seq)
		}
	}
	err = view.Fetch(ctx, seqs, 0, func(_ uint32, m *mailbox.Message) error {
		sum += m.Blob.Size
		return nil
	})
	return sum, err
}
