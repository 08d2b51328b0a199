// Command makebase makes the base of token counts that ships with the spam engine, from the texts of our own making.
package main

import (
	"flag"
	"fmt"
	"os"

	lab "tegami/lab/spam"
)

func main() {
	to := flag.String("o", "base.bin", "the file to write")
	flag.Parse()
	if err := run(*to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(to string) error {
	b, err := lab.MakeBase(func(string) bool { return true })
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
