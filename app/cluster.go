package app

import (
	"log/slog"

	"tegami/mail"
)

// Cluster opens the state in a database that several processes share.
func Cluster(c Config, url string, log *slog.Logger) (*Platform, error) {
	return nil, mail.E("app.Cluster", mail.Unavailable, "cluster.missing")
}
