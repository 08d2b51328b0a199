package queue

import "tegami/mail"

// An Offer is room in the Runner's memory for items that are about to be written. They are leased from
// birth and need not be claimed. A nil Offer leases nothing and takes nothing. Use from one goroutine.
type Offer struct{}

// Reserve gives room for n new items; not ok when there is none, or for a nil Runner: then the items
// are written without, and claimed when their turn comes.
func (r *Runner) Reserve(n int) (o *Offer, ok bool) { return nil, false }

// Lease makes an item that is due leased from birth. Call it in the transaction, before Put.
func (o *Offer) Lease(it *Item) {}

// Hand gives the Runner an item after the commit that wrote it. What Lease left alone is not taken.
func (o *Offer) Hand(tenant mail.TenantID, it Item) {}

// Drop gives back the room that was not used. Call it always, once.
func (o *Offer) Drop() {}
