package mailbox

import (
	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// seatRights are what the rights on a shared mailbox mean for each of its folders.
var seatRights = map[directory.SeatRight]Rights{
	"":                  NoRights,
	directory.SeatRead:  RightLookup | RightRead | RightSeen,
	directory.SeatWrite: seatWrites,
	directory.SeatPost:  seatWrites | RightPost,
}

// seatWrites is all but to delete the folder itself and to say who may do what.
const seatWrites = RightLookup | RightRead | RightSeen | RightWrite | RightInsert | RightCreate | RightDeleted | RightExpunge

// Share gives an account a right on all folders of a shared mailbox, in place of the one it had; "" takes it away. Folders made below them
// later inherit it. It runs in the commit in which the directory notes the seat.
func Share(tx store.Tx, shared, member mail.AccountID, right directory.SeatRight) error {
	const op = "mailbox.Share"
	boxes, err := tx.Mailboxes(shared)
	if err != nil {
		return mail.Wrap(op, err)
	}
	for i := range boxes {
		g, err := readGrant(tx, boxes[i].ID, member)
		if err != nil {
			return err
		}
		g.give = seatRights[right]
		if right != "" {
			if err := roomForGrant(tx, op, boxes[i].ID, g); err != nil {
				return err
			}
		}
		if err := putGrant(tx, &boxes[i], g); err != nil {
			return err
		}
	}
	return rouse(tx, member)
}
