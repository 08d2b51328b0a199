package app

import (
	"context"
	"net"
	"net/url"

	"tegami/server/contentd"
)

// newContent makes the door for untrusted content; nil where the boot file names no origin for it.
func (p *Platform) newContent() (*contentd.Server, error) {
	if p.config.Web.ContentURL == "" {
		return nil, nil
	}
	allow, err := prefixes("web.allow", p.config.Web.Allow)
	if err != nil {
		return nil, err
	}
	keys := func(ctx context.Context) ([][]byte, error) {
		t, err := p.dir.Tokens(ctx)
		if err != nil {
			return nil, err
		}
		return t.Content(), nil
	}
	return contentd.New(contentd.Config{URL: p.config.Web.ContentURL, Keys: keys, Log: p.log, Allow: allow}), nil
}

// pictures serves the door for untrusted content. That there is one was checked with the boot file.
func (p *Platform) pictures() serving {
	return func(ctx context.Context, l net.Listener) error { return p.content.Serve(ctx, l, p.certs.tlsConfig()) }
}

// checkWeb checks the origin for untrusted content: a browser must take it for another one than the pages'.
func (c *Config) checkWeb() error {
	if _, err := prefixes("web.allow", c.Web.Allow); err != nil {
		return err
	}
	for _, l := range c.Listen {
		if l.Protocol == "https-content" && c.Web.ContentURL == "" {
			return badValue("web.content_url", "")
		}
	}
	if c.Web.ContentURL == "" {
		return nil
	}
	at, err := url.Parse(c.Web.ContentURL)
	if err != nil || at.Scheme != "https" || at.Hostname() == "" || at.Hostname() == c.Hostname || at.User != nil || at.RawQuery != "" || at.Path != "" && at.Path != "/" {
		return badValue("web.content_url", c.Web.ContentURL)
	}
	return nil
}
