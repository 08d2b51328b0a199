package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// Card is an entry of the address book.
type Card struct {
	ID      mail.ObjectID      `json:"id"`
	Kind    directory.CardKind `json:"kind" enum:"account,list,contact"`
	Domain  mail.DomainID      `json:"domain,omitempty" doc:"Whose users see it; absent: all of the company"`
	Address string             `json:"address"`
	Name    string             `json:"name"`
	directory.Profile
}

func newCards(list []directory.Card) []Card {
	cards := make([]Card, len(list))
	for i, c := range list {
		cards[i] = Card{c.ID, c.Kind, c.Domain, c.Address.String(), c.Profile.Name(), c.Profile}
	}
	return cards
}

// Contact is somebody outside in the address book.
type Contact struct {
	ID      mail.ObjectID `json:"id"`
	Domain  mail.DomainID `json:"domain,omitempty" doc:"Whose users see it; absent: all of the company"`
	Address string        `json:"address"`
	directory.Profile
}

func newContact(c directory.Contact) *Tagged[Contact] {
	return tagged(c.Version, Contact{c.ID, c.Domain, c.Address.String(), c.Profile})
}

func (s *Server) addGAL() {
	const tag, path = "gal", "/tenants/{tenant}/gal"
	one := path + "/contacts/{contact}"
	read, write := directory.RightAccountsRead, directory.RightAccounts
	add(s, operation{ID: "listGAL", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List the company's address book by reading of the name."}, s.listGAL)
	add(s, operation{ID: "createContact", Method: http.MethodPost, Path: path + "/contacts", Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Put somebody outside into the address book."}, s.createContact)
	add(s, operation{ID: "getContact", Method: http.MethodGet, Path: one, Right: read, Tag: tag, Summary: "Give a contact of the address book."}, s.getContact)
	add(s, operation{ID: "updateContact", Method: http.MethodPatch, Path: one, Right: write, Tag: tag, Summary: "Change a contact of the address book."}, s.updateContact)
	add(s, operation{ID: "deleteContact", Method: http.MethodDelete, Path: one, Right: write, Tag: tag, Summary: "Take a contact out of the address book."}, s.deleteContact)
	add(s, operation{ID: "listOwnGAL", Method: http.MethodGet, Path: "/self/gal", Right: directory.RightSelf, Tag: "self", Summary: "List the address book that the caller's domain sees."}, s.listOwnGAL)
	add(s, operation{ID: "listOwnGALChanges", Method: http.MethodGet, Path: "/self/gal/changes", Right: directory.RightSelf, Tag: "self", Summary: "Tell what became of the address book since a token."}, s.listOwnGALChanges)
}

// galIn is how the address book is asked for.
type galIn struct {
	InTenant
	Paging
	Text   string `query:"text" maxLength:"512" doc:"Words that stand in the name, its reading, the address, the department or the title; kana of any width"`
	Domain string `query:"domain" maxLength:"255" doc:"As the users of this domain see it; absent: all of the company"`
}

// GALPart is a part of the address book.
type GALPart struct {
	Body struct {
		Items []Card `json:"items"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next part; absent at the end"`
		Total int    `json:"total"`
		Token string `json:"token" doc:"Names the state of the address book, for listOwnGALChanges; take that of the first part"`
	}
}

func (s *Server) listGAL(ctx context.Context, c *Call, in *galIn) (*GALPart, error) {
	viewer, err := domainOf(ctx, c, in.Domain)
	if err != nil {
		return nil, err
	}
	return gal(ctx, c.Company, directory.GALQuery{For: viewer, Within: c.Reach(directory.RightAccountsRead), Text: in.Text, Cursor: in.Cursor, Limit: in.Limit})
}

func gal(ctx context.Context, company *directory.Company, q directory.GALQuery) (*GALPart, error) {
	page, err := company.GAL(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &GALPart{}
	out.Body.Items, out.Body.Next, out.Body.Total, out.Body.Token = newCards(page.Cards), page.Next, page.Total, page.Token
	return out, nil
}

// ownGALIn is how users ask for the address book.
type ownGALIn struct {
	Paging
	Text string `query:"text" maxLength:"512" doc:"As in listGAL"`
}

func (s *Server) listOwnGAL(ctx context.Context, c *Call, in *ownGALIn) (*GALPart, error) {
	own := c.Identity().Account()
	return gal(ctx, s.dir.Company(own.Tenant), directory.GALQuery{For: own.Domain, Text: in.Text, Cursor: in.Cursor, Limit: in.Limit})
}

// galChangesIn is how changes are asked for.
type galChangesIn struct {
	Since string `query:"since" required:"true" maxLength:"20" doc:"A token of listOwnGAL or of this operation"`
}

// GALChanges is what became of the address book.
type GALChanges struct {
	Changed []Card          `json:"changed" doc:"New and changed entries"`
	Gone    []mail.ObjectID `json:"gone" doc:"Ids of entries that are there no more"`
	Token   string          `json:"token" doc:"For the next time"`
	Reset   bool            `json:"reset" doc:"Too much happened since: read all again"`
}

func (s *Server) listOwnGALChanges(ctx context.Context, c *Call, in *galChangesIn) (*struct{ Body GALChanges }, error) {
	own := c.Identity().Account()
	ch, err := s.dir.Company(own.Tenant).GALChanges(ctx, own.Domain, in.Since)
	if err != nil {
		return nil, err
	}
	return &struct{ Body GALChanges }{GALChanges{newCards(ch.Changed), orNone(ch.Gone), ch.Token, ch.Reset}}, nil
}

// newContactIn asks for a contact.
type newContactIn struct {
	InTenant
	Body struct {
		Address string `json:"address" maxLength:"320"`
		Domain  string `json:"domain,omitempty" maxLength:"255" doc:"The name of the domain whose users see it; absent: all of the company"`
		directory.ProfileChange
	}
}

func (s *Server) createContact(ctx context.Context, c *Call, in *newContactIn) (*Tagged[Contact], error) {
	spec := directory.ContactSpec{Profile: in.Body.Profile()}
	var err error
	if spec.Address, err = mail.ParseAddress(in.Body.Address); err != nil {
		return nil, err
	}
	if spec.Domain, err = domainOf(ctx, c, in.Body.Domain); err != nil {
		return nil, err
	}
	made, err := c.Company.AddContact(ctx, c.Actor(), spec)
	if err != nil {
		return nil, err
	}
	return newContact(made), nil
}

// OfContact is the path of a contact.
type OfContact struct {
	InTenant
	Contact Ref[mail.ObjectID] `path:"contact" doc:"The contact's id"`
}

// contact reads a contact that the caller may see. NotFound "contact.unknown".
func contact(ctx context.Context, c *Call, id mail.ObjectID) (directory.Contact, error) {
	found, err := c.Company.Contact(ctx, id)
	if err == nil && !found.Domain.IsZero() && !c.MayIn(directory.RightAccountsRead, directory.Place{Domain: found.Domain}) {
		err = mail.E("restd.contact", mail.NotFound, "contact.unknown", id.String())
	}
	return found, err
}

func (s *Server) getContact(ctx context.Context, c *Call, in *OfContact) (*Tagged[Contact], error) {
	found, err := contact(ctx, c, in.Contact.ID)
	if err != nil {
		return nil, err
	}
	return newContact(found), nil
}

// changeContactIn says what becomes of a contact. What is absent stays.
type changeContactIn struct {
	OfContact
	Matching
	Body struct {
		Address *string `json:"address,omitempty" maxLength:"320"`
		Domain  *string `json:"domain,omitempty" maxLength:"255" doc:"Empty: all of the company"`
		directory.ProfileChange
	}
}

func (s *Server) updateContact(ctx context.Context, c *Call, in *changeContactIn) (*Tagged[Contact], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	have, err := contact(ctx, c, in.Contact.ID)
	if err != nil {
		return nil, err
	}
	spec := have.ContactSpec
	in.Body.Apply(&spec.Profile)
	if in.Body.Address != nil {
		if spec.Address, err = mail.ParseAddress(*in.Body.Address); err != nil {
			return nil, err
		}
	}
	if in.Body.Domain != nil {
		if spec.Domain, err = domainOf(ctx, c, *in.Body.Domain); err != nil {
			return nil, err
		}
	}
	if version == 0 {
		version = have.Version
	}
	set, err := c.Company.SetContact(ctx, c.Actor(), in.Contact.ID, version, spec)
	if err != nil {
		return nil, err
	}
	return newContact(set), nil
}

func (s *Server) deleteContact(ctx context.Context, c *Call, in *OfContact) (*struct{}, error) {
	if _, err := contact(ctx, c, in.Contact.ID); err != nil {
		return nil, err
	}
	return nil, c.Company.DeleteContact(ctx, c.Actor(), in.Contact.ID)
}
