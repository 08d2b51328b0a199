package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"tegami/mail"
	"tegami/store/cluster"
)

// Cluster opens the state in a PostgreSQL database that several processes share, with the octets of messages in
// a folder they share as well.
func Cluster(ctx context.Context, c Config, log *slog.Logger) (*Platform, error) {
	url, err := secret(c.Cluster.Database, c.Cluster.DatabaseFile)
	if err != nil {
		return nil, err
	}
	owner, err := secret(c.Cluster.OwnerDatabase, c.Cluster.OwnerDatabaseFile)
	if err != nil {
		return nil, err
	}
	folder := c.Cluster.Blobs
	if folder == "" {
		folder = filepath.Join(c.Data, "blobs")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, unreadable("app.Cluster", folder, err)
	}
	st, err := cluster.Open(ctx, cluster.Config{DSN: url, OwnerDSN: owner, Objects: cluster.Folder{Dir: folder}, Node: uint16(c.Node)})
	if err != nil {
		return nil, mail.Wrap("app.Cluster", err)
	}
	return assemble(c, st, log)
}

// isCluster tells which product the boot file asks for.
func (c *Config) isCluster() bool { return c.Cluster.Database != "" || c.Cluster.DatabaseFile != "" }

// secret is a setting that stands in the boot file or in a file of its own.
func secret(value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", unreadable("app.Config", file, err)
	}
	return strings.TrimSpace(string(text)), nil
}
