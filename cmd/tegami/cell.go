package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"tegami/policy/probe/cell"
)

// cellCommand is what a server starts itself as, to take attachments apart (package cell).
type cellCommand struct {
	Cache string `help:"The folder for compiled code."`
}

// Run answers questions until there are none.
func (c cellCommand) Run(sh *shell) error { return cell.Serve(sh.in, sh.out, c.Cache) }

// cellArguments are the program and the arguments for it. On Linux it is this very program, though another release may have taken its place on
// the disk by now.
func cellArguments(data string, log *slog.Logger) []string {
	program := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		var err error
		if program, err = os.Executable(); err != nil {
			program = os.Args[0]
		}
	}
	return []string{program, "cell", "--cache=" + cellCache(data, log)}
}

// cellCache is the folder for what children compile once: the user's own for such things, else one in the data folder. "" where neither can be
// had: then text of PDF is not read.
func cellCache(data string, log *slog.Logger) string {
	var problem error
	for _, folder := range cacheFolders(data) {
		if problem = os.MkdirAll(folder, 0o700); problem == nil {
			return folder
		}
	}
	log.Warn("there is no folder for compiled code: text of PDF is not read", "err", problem)
	return ""
}

func cacheFolders(data string) (list []string) {
	if folder, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(folder, "tegami"))
	}
	if absolute, err := filepath.Abs(filepath.Join(data, "cache")); err == nil { // a child stands in another folder
		list = append(list, absolute)
	}
	return list
}
