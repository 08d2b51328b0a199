package app

import (
	"tegami/mail"
	"tegami/server/restd"
)

// API is the control API over the platform's services, for who is at the machine itself: at the control socket, or at the command line
// with the state to itself.
func (p *Platform) API() *restd.Server { return restd.New(p.restConfig(mail.ZoneInternet)) }
