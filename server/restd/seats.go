package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// Seat is somebody's place at a shared mailbox.
type Seat struct {
	Account mail.AccountID      `json:"account"`
	Address string              `json:"address,omitempty"`
	Name    string              `json:"name,omitempty"`
	Right   directory.SeatRight `json:"right" enum:"read,write,post" doc:"read: sees the mail; write: also files and deletes it; post: also writes as the shared mailbox"`
}

// addSeats adds what is done about shared mailboxes; one is the path of an account.
func (s *Server) addSeats(one string) {
	const tag = "accounts"
	read, write := directory.RightAccountsRead, directory.RightAccounts
	add(s, operation{ID: "listSeats", Method: http.MethodGet, Path: one + "/seats", Right: read, Tag: tag, Summary: "List who works in a shared mailbox."}, s.listSeats)
	add(s, operation{ID: "setSeat", Method: http.MethodPut, Path: one + "/seats/{member}", Right: write, Tag: tag, Summary: "Give an account a right on a shared mailbox."}, s.setSeat)
	add(s, operation{ID: "removeSeat", Method: http.MethodDelete, Path: one + "/seats/{member}", Right: write, Tag: tag, Summary: "Take an account's right on a shared mailbox away."}, s.removeSeat)
}

func (s *Server) listSeats(ctx context.Context, c *Call, in *OfAccount) (*List[Seat], error) {
	a, err := account(ctx, c, in.Account.ID)
	if err != nil {
		return nil, err
	}
	out := listed(make([]Seat, len(a.Seats)), "")
	out.Body.Total = len(a.Seats)
	for i, seat := range a.Seats {
		who, err := c.Company.Account(ctx, seat.Account)
		if err != nil && !mail.Is(err, mail.NotFound) {
			return nil, err
		}
		out.Body.Items[i] = Seat{seat.Account, who.Address.String(), who.Name, seat.Right}
	}
	return out, nil
}

// SeatIn is the path of a seat.
type SeatIn struct {
	OfAccount
	Member Ref[mail.AccountID] `path:"member" doc:"The id of the account that works in the shared mailbox"`
}

// setSeatIn asks for a right.
type setSeatIn struct {
	SeatIn
	Body struct {
		Right directory.SeatRight `json:"right" enum:"read,write,post"`
	}
}

func (s *Server) setSeat(ctx context.Context, c *Call, in *setSeatIn) (*List[Seat], error) {
	return s.seat(ctx, c, &in.SeatIn, in.Body.Right)
}

func (s *Server) removeSeat(ctx context.Context, c *Call, in *SeatIn) (*List[Seat], error) {
	return s.seat(ctx, c, in, "")
}

// seat changes a seat and answers with all there are.
func (s *Server) seat(ctx context.Context, c *Call, in *SeatIn, right directory.SeatRight) (*List[Seat], error) {
	if _, err := account(ctx, c, in.Account.ID); err != nil {
		return nil, err
	}
	if err := c.Company.SetSeat(ctx, c.Actor(), in.Account.ID, in.Member.ID, right); err != nil {
		return nil, err
	}
	return s.listSeats(ctx, c, &in.OfAccount)
}
