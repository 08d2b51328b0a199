package restd

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"tegami/billing"
	"tegami/directory"
	"tegami/mail"
)

// Payer is to whom invoices go.
type Payer struct {
	Name         string `json:"name" maxLength:"255" doc:"As on the envelope, without 御中"`
	PostalCode   string `json:"postalCode,omitempty" maxLength:"20"`
	Address      string `json:"address,omitempty" maxLength:"500"`
	Department   string `json:"department,omitempty" maxLength:"500"`
	Contact      string `json:"contact,omitempty" maxLength:"500" doc:"A person"`
	Email        string `json:"email,omitempty" maxLength:"320"`
	Phone        string `json:"phone,omitempty" maxLength:"50"`
	Registration string `json:"registration,omitempty" maxLength:"40" doc:"Of the qualified invoice system: T and 13 digits, the first of which is a check digit"`
	Sole         bool   `json:"sole,omitempty" doc:"A sole proprietor: the check digit is not insisted upon"`
}

// PayerState is to whom a company's invoices go, and who said so.
type PayerState struct {
	Payer
	Doubtful bool      `json:"doubtful,omitempty" readOnly:"true" doc:"The registration number's check digit does not fit"`
	Changed  time.Time `json:"changed,omitzero" readOnly:"true"`
	By       string    `json:"by,omitempty" readOnly:"true"`
}

// Wanted is what is ordered.
type Wanted struct {
	Kind    billing.Kind  `json:"kind" enum:"tenant,domain,change" doc:"tenant: a new company; domain: a further domain; change: another plan, number of IDs or options"`
	Tenant  mail.TenantID `json:"tenant,omitzero" doc:"The company, of domain and change"`
	Company *OrderCompany `json:"company,omitempty" doc:"Of tenant"`
	Domain  OrderDomain   `json:"domain"`
	Payer   *Payer        `json:"payer,omitempty" doc:"Needed of tenant; otherwise in place of the company's"`
	Note    string        `json:"note,omitempty" maxLength:"4000"`
}

// OrderCompany is the company that an order opens.
type OrderCompany struct {
	Name      string   `json:"name" maxLength:"255"`
	Lang      string   `json:"lang,omitempty" enum:"ja,en"`
	Start     string   `json:"start,omitempty" format:"date" doc:"Service start date; absent: the day the order is completed"`
	Networks  []string `json:"networks,omitempty" maxItems:"128" doc:"Source networks in the VPN zone"`
	NoScram   bool     `json:"noScram,omitempty"`
	Owner     string   `json:"owner" maxLength:"320" doc:"The first administrator's address; its local part is enough"`
	OwnerName string   `json:"ownerName,omitempty" maxLength:"255"`
}

// OrderDomain is the domain that an order makes or changes.
type OrderDomain struct {
	Name            string              `json:"name" maxLength:"255"`
	Plan            *directory.Plan     `json:"plan,omitempty" enum:"100MB,3GB,10GB"`
	IDs             int                 `json:"ids,omitempty" minimum:"0"`
	Options         *[]directory.Option `json:"options,omitempty" maxItems:"20" doc:"From the opening on; in a change in place of all others"`
	Vouch           string              `json:"vouch,omitempty" maxLength:"500" doc:"Why the operator answers for it that the domain is the company's; absent: it is shown in the DNS"`
	AcceptOverQuota bool                `json:"acceptOverQuota,omitempty"`
}

// OrderBody is what an order is recorded or amended with.
type OrderBody struct {
	Received string `json:"received,omitempty" format:"date" doc:"Absent: today"`
	Wanted
}

// Order is an entry of the order book.
type Order struct {
	ID       mail.ObjectID `json:"id"`
	Number   string        `json:"number"`
	State    billing.State `json:"state" enum:"received,in-progress,opened,cancelled"`
	Received string        `json:"received" format:"date"`
	Promised string        `json:"promised" format:"date" doc:"The opening: business days after receipt (SV-12)"`
	Owner    mail.TenantID `json:"openedTenant,omitzero" doc:"Whose it is, or became"`
	Opened   time.Time     `json:"opened,omitzero"`
	Reason   string        `json:"reason,omitempty" doc:"Of the cancellation"`
	Changed  time.Time     `json:"changed"`
	By       string        `json:"by" doc:"Who wrote it last"`
	Recorder string        `json:"recorder" doc:"Who recorded it"`
	Doubtful bool          `json:"doubtful,omitempty" doc:"The registration number's check digit does not fit"`
	Wanted
}

// dateOf reads a date of a request; "" is the zero Date.
func dateOf(text string) (d billing.Date, err error) {
	if text != "" {
		d, err = billing.ParseDate(text)
	}
	return d, err
}

// wanted is what is ordered as the order book takes it.
func (w Wanted) wanted() (out billing.Wanted, err error) {
	out = billing.Wanted{Kind: w.Kind, Tenant: w.Tenant, Note: w.Note}
	out.Domain = billing.Domain{Name: w.Domain.Name, IDs: w.Domain.IDs, Vouch: w.Domain.Vouch, Over: w.Domain.AcceptOverQuota}
	if w.Domain.Plan != nil {
		out.Domain.Plan = *w.Domain.Plan
	}
	if w.Domain.Options != nil {
		out.Domain.Options, out.Domain.NoMore = *w.Domain.Options, len(*w.Domain.Options) == 0
	}
	if w.Payer != nil {
		out.Payer = billing.Payer(*w.Payer)
	}
	if w.Company == nil {
		return out, nil
	}
	c := w.Company
	out.Company = billing.Company{Name: c.Name, Lang: c.Lang, NoScram: c.NoScram, Owner: c.Owner, OwnerIs: c.OwnerName}
	if out.Company.Start, err = dateOf(c.Start); err != nil {
		return out, err
	}
	if len(c.Networks) > 0 {
		out.Company.Networks, err = networksOf(c.Networks)
	}
	return out, err
}

func orderBody(o billing.Order) Order {
	w := Wanted{Kind: o.Kind, Tenant: o.Wanted.Tenant, Note: o.Note}
	w.Domain = OrderDomain{Name: o.Domain.Name, IDs: o.Domain.IDs, Vouch: o.Domain.Vouch, AcceptOverQuota: o.Domain.Over}
	if o.Domain.Plan != 0 {
		w.Domain.Plan = &o.Domain.Plan
	}
	if len(o.Domain.Options) > 0 || o.Domain.NoMore {
		options := append([]directory.Option{}, o.Domain.Options...)
		w.Domain.Options = &options
	}
	if o.Payer.Name != "" {
		p := Payer(o.Payer)
		w.Payer = &p
	}
	if o.Kind == billing.ForTenant {
		c := o.Company
		w.Company = &OrderCompany{c.Name, c.Lang, c.Start.String(), texts(c.Networks), c.NoScram, c.Owner, c.OwnerIs}
	}
	return Order{
		ID: o.ID, Number: o.Number, State: o.State, Received: o.Received.String(), Promised: o.Promised.String(), Owner: o.Tenant, Opened: o.Opened,
		Reason: o.Reason, Changed: o.Changed, By: o.By, Recorder: o.Recorder, Doubtful: o.Payer.Doubtful(), Wanted: w,
	}
}

func texts(networks []netip.Prefix) (list []string) {
	for _, n := range networks {
		list = append(list, n.String())
	}
	return list
}

// InOrder is the path of an order.
type InOrder struct {
	Order string `path:"order" doc:"The order's id"`
}

func (s *Server) addOrders() {
	const all, one = "/orders", "/orders/{order}"
	get, post, tag, right := http.MethodGet, http.MethodPost, "orders", directory.RightOrder
	add(s, operation{ID: "listOrders", Method: get, Path: all, Right: right, Tag: tag, Summary: "List the order book."}, s.listOrders)
	add(s, operation{ID: "recordOrder", Method: post, Path: all, Right: right, Tag: tag, Status: http.StatusCreated, Summary: "Record an order; its opening is promised by business days."}, s.recordOrder)
	add(s, operation{ID: "getOrder", Method: get, Path: one, Right: right, Tag: tag, Summary: "Show an order."}, s.getOrder)
	add(s, operation{ID: "amendOrder", Method: http.MethodPut, Path: one, Right: right, Tag: tag, Summary: "Replace what is ordered, before it is opened."}, s.amendOrder)
	add(s, operation{ID: "beginOrder", Method: post, Path: one + "/begin", Right: right, Tag: tag, Summary: "Note that an order is being worked on."}, s.beginOrder)
	add(s, operation{ID: "cancelOrder", Method: post, Path: one + "/cancel", Right: right, Tag: tag, Summary: "Cancel an order, with a reason."}, s.cancelOrder)
	add(s, operation{ID: "completeOrder", Method: post, Path: one + "/complete", Right: right, Tag: tag, Summary: "Carry an order out: open the company, make or change the domain; again completes what was broken off."}, s.completeOrder)
	add(s, operation{ID: "getPayer", Method: get, Path: "/tenants/{tenant}/payer", Right: directory.RightContractRead, Tag: tag, Summary: "Show to whom a company's invoices go."}, s.getPayer)
	add(s, operation{ID: "setPayer", Method: http.MethodPut, Path: "/tenants/{tenant}/payer", Right: right, Tag: tag, Summary: "Set to whom a company's invoices go."}, s.setPayer)
	s.addCalendar()
}

// book is the order book. Unavailable "request.unavailable" where this process has none.
func (s *Server) book() (*billing.Service, error) {
	if s.config.Billing == nil {
		return nil, mail.E("restd.book", mail.Unavailable, "request.unavailable")
	}
	return s.config.Billing, nil
}

// at names an order, and which version of it is meant.
func (in InOrder) at(m Matching) (o billing.Order, err error) {
	if o.ID.UnmarshalText([]byte(in.Order)) != nil || o.ID.IsZero() {
		return o, mail.E("restd.at", mail.NotFound, "order.unknown", in.Order)
	}
	o.Version, err = m.version()
	return o, err
}

func taggedOrder(o billing.Order, err error) (*Tagged[Order], error) {
	if err != nil {
		return nil, err
	}
	return tagged(o.Version, orderBody(o)), nil
}

func (s *Server) listOrders(ctx context.Context, _ *Call, in *struct {
	Paging
	State string `query:"state" enum:"received,in-progress,opened,cancelled"`
}) (*List[Order], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	page := billing.OrderPage{State: billing.State(in.State), Limit: in.Limit}
	if err := afterID(in.Paging, "listOrders", &page.After); err != nil {
		return nil, err
	}
	found, err := book.Orders(ctx, page)
	if err != nil {
		return nil, err
	}
	list, next := make([]Order, 0, len(found)), ""
	for _, o := range found {
		list = append(list, orderBody(o))
	}
	if len(found) == in.Limit {
		next = cursorAt("listOrders", found[len(found)-1].ID.String())
	}
	return listed(list, next), nil
}

func (s *Server) recordOrder(ctx context.Context, c *Call, in *struct{ Body OrderBody }) (*Tagged[Order], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	want, received, err := in.Body.parts()
	if err != nil {
		return nil, err
	}
	return taggedOrder(book.Record(ctx, c.Actor(), received, want))
}

// parts are what is ordered and when it was received.
func (b OrderBody) parts() (want billing.Wanted, received billing.Date, err error) {
	if want, err = b.wanted(); err == nil {
		received, err = dateOf(b.Received)
	}
	return want, received, err
}

func (s *Server) getOrder(ctx context.Context, _ *Call, in *InOrder) (*Tagged[Order], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	at, err := in.at(Matching{})
	if err != nil {
		return nil, err
	}
	return taggedOrder(book.Order(ctx, at.ID))
}

func (s *Server) amendOrder(ctx context.Context, c *Call, in *struct {
	InOrder
	Matching
	Body OrderBody
}) (*Tagged[Order], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	at, err := in.at(in.Matching)
	if err != nil {
		return nil, err
	}
	want, received, err := in.Body.parts()
	if err != nil {
		return nil, err
	}
	return taggedOrder(book.Amend(ctx, c.Actor(), at, received, want))
}

func (s *Server) beginOrder(ctx context.Context, c *Call, in *struct {
	InOrder
	Matching
}) (*Tagged[Order], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	at, err := in.at(in.Matching)
	if err != nil {
		return nil, err
	}
	return taggedOrder(book.Begin(ctx, c.Actor(), at))
}

func (s *Server) cancelOrder(ctx context.Context, c *Call, in *struct {
	InOrder
	Matching
	Body struct {
		Reason string `json:"reason" maxLength:"500"`
	}
}) (*Tagged[Order], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	at, err := in.at(in.Matching)
	if err != nil {
		return nil, err
	}
	return taggedOrder(book.Cancel(ctx, c.Actor(), at, in.Body.Reason))
}

// CompletedOrder is an order that was carried out.
type CompletedOrder struct {
	Order    Order          `json:"order"`
	Tenant   mail.TenantID  `json:"tenant"`
	Owner    string         `json:"owner,omitempty" doc:"The first administrator's address, of a new company"`
	Account  mail.AccountID `json:"account,omitzero"`
	Password string         `json:"password,omitempty" doc:"The first administrator's initial password; it is told once"`
}

func (s *Server) completeOrder(ctx context.Context, c *Call, in *struct {
	InOrder
	Matching
}) (*Tagged[CompletedOrder], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	at, err := in.at(in.Matching)
	if err != nil {
		return nil, err
	}
	done, err := book.Complete(ctx, c.Actor(), at)
	if err != nil {
		return nil, err
	}
	body := CompletedOrder{Order: orderBody(done.Order), Tenant: done.Order.Tenant, Account: done.Owner.ID, Password: done.Password}
	if !done.Owner.ID.IsZero() {
		body.Owner = done.Owner.Address.String()
	}
	return tagged(done.Order.Version, body), nil
}

func (s *Server) getPayer(ctx context.Context, c *Call, _ *InTenant) (*Tagged[PayerState], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	p, err := book.Payer(ctx, c.TenantID)
	if err != nil {
		return nil, err
	}
	return tagged(p.Version, PayerState{Payer(p.Payer), p.Doubtful(), p.Changed, p.By}), nil
}

func (s *Server) setPayer(ctx context.Context, c *Call, in *struct {
	InTenant
	Matching
	Body PayerState
}) (*Tagged[PayerState], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	version, err := in.version()
	if err == nil {
		err = book.SetPayer(ctx, c.Actor(), c.TenantID, version, billing.Payer(in.Body.Payer))
	}
	if err != nil {
		return nil, err
	}
	return s.getPayer(ctx, c, &in.InTenant)
}
