package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/webhooks"
)

// Webhook is a URL of a company's that hears of events.
type Webhook struct {
	ID      mail.ObjectID `json:"id"`
	Name    string        `json:"name"`
	URL     string        `json:"url"`
	Events  []string      `json:"events" doc:"Types of events; * is all"`
	Active  bool          `json:"active"`
	Off     string        `json:"switchedOff,omitempty" doc:"Why it was switched off by itself, as a key of the catalogue"`
	OffText string        `json:"switchedOffText,omitempty" doc:"The same in words"`
	Maker   string        `json:"maker"`
	Created time.Time     `json:"created"`
}

// NewWebhook asks for a webhook.
type NewWebhook struct {
	URL    string   `json:"url" maxLength:"500" format:"uri" doc:"https only; no address in a private network"`
	Name   string   `json:"name,omitempty" maxLength:"200"`
	Events []string `json:"events" minItems:"1" maxItems:"100" doc:"Types of events as listWebhookEvents lists them; * is all"`
}

// WebhookChange changes what is given.
type WebhookChange struct {
	URL    *string   `json:"url,omitempty" maxLength:"500" format:"uri"`
	Name   *string   `json:"name,omitempty" maxLength:"200"`
	Events *[]string `json:"events,omitempty" minItems:"1" maxItems:"100"`
	Active *bool     `json:"active,omitempty" doc:"Taken up again, it hears of what happened meanwhile, as far as a day back"`
}

// WebhookSecret is what deliveries are signed with.
type WebhookSecret struct {
	Secret string `json:"secret" doc:"Shown this once: whsec_ and base64, as Standard Webhooks has it"`
}

// MadeWebhook is a webhook with its secret.
type MadeWebhook struct {
	Webhook
	WebhookSecret
}

// WebhookDelivery is an attempt to tell of an event.
type WebhookDelivery struct {
	At     time.Time `json:"at"`
	ID     string    `json:"id" doc:"The webhook-id: the same in each attempt"`
	Type   string    `json:"type"`
	OK     bool      `json:"ok"`
	Status int       `json:"status,omitempty" doc:"Of the answer; absent: there was none"`
	Millis int64     `json:"millis" doc:"How long it took"`
	Error  string    `json:"error,omitempty" doc:"A key of the catalogue"`
	Text   string    `json:"text,omitempty" doc:"The error in words"`
	Try    int       `json:"try"`
}

// WebhookDeliveries are the last attempts.
type WebhookDeliveries struct {
	Items []WebhookDelivery `json:"items"`
	Next  *time.Time        `json:"nextTry,omitempty" doc:"When what waits is tried again"`
}

// OfWebhook is the path of a webhook.
type OfWebhook struct {
	InTenant
	Webhook Ref[mail.ObjectID] `path:"webhook" doc:"The webhook's id"`
}

func (s *Server) addWebhooks() {
	const path, one, tag = "/tenants/{tenant}/webhooks", "/tenants/{tenant}/webhooks/{webhook}", "webhooks"
	read, write := directory.RightRolesRead, directory.RightRoles
	add(s, operation{ID: "listWebhookEvents", Method: http.MethodGet, Path: "/webhook-events", Right: directory.RightAny, Tag: tag, Summary: "List the types of events a webhook can hear of."}, s.listWebhookEvents)
	add(s, operation{ID: "listWebhooks", Method: http.MethodGet, Path: path, Right: read, Tag: tag, Summary: "List a company's webhooks."}, s.listWebhooks)
	add(s, operation{ID: "createWebhook", Method: http.MethodPost, Path: path, Right: write, Tag: tag, Status: http.StatusCreated, Summary: "Make a webhook; its secret is shown this once."}, s.createWebhook)
	add(s, operation{ID: "getWebhook", Method: http.MethodGet, Path: one, Right: read, Tag: tag, Summary: "Show a webhook."}, s.getWebhook)
	add(s, operation{ID: "updateWebhook", Method: http.MethodPatch, Path: one, Right: write, Tag: tag, Summary: "Change a webhook, switch it off, or take it up again."}, s.updateWebhook)
	add(s, operation{ID: "deleteWebhook", Method: http.MethodDelete, Path: one, Right: write, Tag: tag, Summary: "Remove a webhook."}, s.deleteWebhook)
	add(s, operation{ID: "renewWebhookSecret", Method: http.MethodPost, Path: one + "/secret", Right: write, Tag: tag, Summary: "Give a webhook a new secret; the old one is worth nothing at once."}, s.renewWebhookSecret)
	add(s, operation{ID: "testWebhook", Method: http.MethodPost, Path: one + "/test", Right: write, Tag: tag, Summary: "Send a webhook an event that did not happen, and say what came of it."}, s.testWebhook)
	add(s, operation{ID: "listWebhookDeliveries", Method: http.MethodGet, Path: one + "/deliveries", Right: read, Tag: tag, Summary: "List the last attempts of a webhook, the newest first."}, s.listWebhookDeliveries)
}

// hooks is the service. Unavailable "request.unavailable" where this process has none.
func (s *Server) hooks() (*webhooks.Service, error) {
	if s.config.Webhooks == nil {
		return nil, mail.E("restd.hooks", mail.Unavailable, "request.unavailable")
	}
	return s.config.Webhooks, nil
}

func (c *Call) webhookBody(h webhooks.Hook) Webhook {
	out := Webhook{ID: h.ID, Name: h.Name, URL: h.URL, Events: h.Events, Active: h.Active, Off: h.Off, Maker: h.Maker, Created: h.Created.UTC()}
	if h.Off != "" {
		out.OffText = c.answer.text(h.Off)
	}
	return out
}

func (s *Server) listWebhookEvents(context.Context, *Call, *struct{}) (*List[string], error) {
	return listed(webhooks.Types(), ""), nil
}

func (s *Server) listWebhooks(ctx context.Context, c *Call, _ *InTenant) (*List[Webhook], error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	all, err := hooks.List(ctx, c.TenantID)
	items := make([]Webhook, len(all))
	for i, h := range all {
		items[i] = c.webhookBody(h)
	}
	return listed(items, ""), err
}

func (s *Server) createWebhook(ctx context.Context, c *Call, in *struct {
	InTenant
	Body NewWebhook
}) (*Tagged[MadeWebhook], error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	h, secret, err := hooks.Add(ctx, c.Actor(), c.TenantID, webhooks.Spec{Name: in.Body.Name, URL: in.Body.URL, Events: in.Body.Events})
	if err != nil {
		return nil, err
	}
	return tagged(h.Version, MadeWebhook{c.webhookBody(h), WebhookSecret{secret}}), nil
}

func (s *Server) getWebhook(ctx context.Context, c *Call, in *OfWebhook) (*Tagged[Webhook], error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	h, err := hooks.Get(ctx, c.TenantID, in.Webhook.ID)
	if err != nil {
		return nil, err
	}
	return tagged(h.Version, c.webhookBody(h)), nil
}

func (s *Server) updateWebhook(ctx context.Context, c *Call, in *struct {
	OfWebhook
	Matching
	Body WebhookChange
}) (*Tagged[Webhook], error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	meant, err := in.version()
	if err != nil {
		return nil, err
	}
	now, err := hooks.Get(ctx, c.TenantID, in.Webhook.ID)
	if err != nil {
		return nil, err
	}
	if meant == 0 {
		meant = now.Version // what is not given stays as it was read
	}
	spec := webhooks.Spec{Name: now.Name, URL: now.URL, Events: now.Events, Active: now.Active}
	set(&spec.Name, in.Body.Name)
	set(&spec.URL, in.Body.URL)
	set(&spec.Events, in.Body.Events)
	set(&spec.Active, in.Body.Active)
	h, err := hooks.Change(ctx, c.Actor(), c.TenantID, now.ID, meant, spec)
	if err != nil {
		return nil, err
	}
	return tagged(h.Version, c.webhookBody(h)), nil
}

// set changes a value where one is given.
func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

func (s *Server) deleteWebhook(ctx context.Context, c *Call, in *struct {
	OfWebhook
	Matching
}) (*struct{}, error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	meant, err := in.version()
	if err != nil {
		return nil, err
	}
	return nil, hooks.Remove(ctx, c.Actor(), c.TenantID, in.Webhook.ID, meant)
}

func (s *Server) renewWebhookSecret(ctx context.Context, c *Call, in *OfWebhook) (*struct{ Body WebhookSecret }, error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	secret, err := hooks.Renew(ctx, c.Actor(), c.TenantID, in.Webhook.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body WebhookSecret }{WebhookSecret{secret}}, nil
}

func (s *Server) testWebhook(ctx context.Context, c *Call, in *OfWebhook) (*struct{ Body WebhookDelivery }, error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	d, err := hooks.Test(ctx, c.Actor(), c.TenantID, in.Webhook.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body WebhookDelivery }{c.deliveryBody(d)}, nil
}

func (c *Call) deliveryBody(d webhooks.Delivery) WebhookDelivery {
	out := WebhookDelivery{At: d.At, ID: d.ID, Type: d.Type, OK: d.Good(), Status: d.Status, Millis: d.Took.Milliseconds(), Error: d.Error, Try: d.Try}
	if d.Error != "" {
		out.Text = c.answer.text(d.Error)
	}
	return out
}

func (s *Server) listWebhookDeliveries(ctx context.Context, c *Call, in *OfWebhook) (*struct{ Body WebhookDeliveries }, error) {
	hooks, err := s.hooks()
	if err != nil {
		return nil, err
	}
	list, next, err := hooks.Deliveries(ctx, c.TenantID, in.Webhook.ID)
	if err != nil {
		return nil, err
	}
	out := WebhookDeliveries{Items: make([]WebhookDelivery, len(list)), Next: timeOrNil(next)}
	for i, d := range list {
		out.Items[i] = c.deliveryBody(d)
	}
	return &struct{ Body WebhookDeliveries }{out}, nil
}
