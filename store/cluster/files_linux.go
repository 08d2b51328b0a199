package cluster

import (
	"errors"
	"syscall"
)

// noRoom tells whether a file system had no room left.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
