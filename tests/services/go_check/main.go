// Checks with Go's own sumdb packages, which know nothing of us:
//
//	go_check note KEYFILE NOTEFILE      a signed note; prints its text
//	go_check receipt KEYFILE FILE       a tlog-proof whose extra data is the entry; prints the entry
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	key, err := os.ReadFile(os.Args[2])
	fail(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	fail(err)
	content, err := os.ReadFile(os.Args[3])
	fail(err)
	switch os.Args[1] {
	case "note":
		fmt.Print(open(content, verifier))
	case "receipt":
		fmt.Print(string(receipt(content, verifier)))
	default:
		fail(fmt.Errorf("what is %q?", os.Args[1]))
	}
}

func open(signed []byte, verifier note.Verifier) string {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	fail(err)
	return opened.Text
}

func receipt(content []byte, verifier note.Verifier) []byte {
	proof, checkpoint, _ := strings.Cut(string(content), "\n\n")
	lines := strings.Split(proof, "\n")
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	fail(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	fail(err)
	var hashes tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		fail(err)
		hashes = append(hashes, hash)
	}
	tree := strings.Split(open([]byte(checkpoint), verifier), "\n")
	size, err := strconv.ParseInt(tree[1], 10, 64)
	fail(err)
	root, err := tlog.ParseHash(tree[2])
	fail(err)
	fail(tlog.CheckRecord(hashes, size, root, index, tlog.RecordHash(entry)))
	return entry
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
