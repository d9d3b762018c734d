// Verifies a signed note with Go's own implementation: go_check KEYFILE NOTEFILE.
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	key, err := os.ReadFile(os.Args[1])
	fail(err)
	signed, err := os.ReadFile(os.Args[2])
	fail(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	fail(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	fail(err)
	fmt.Print(opened.Text)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
