// Logverify checks a C2SP tlog-tiles log, and receipts from it, with Go's golang.org/x/mod/sumdb packages and nothing
// of Countersign's.
//
//	logverify log [-cosigner VKEY]... [-old FILE]... [-token T] SOURCE VKEY
//		SOURCE is a folder or the URL of a log. Every tile and bundle must follow from the entries, every entry must
//		be included under the signed checkpoint, and the log must contain that of every old checkpoint.
//	logverify receipt [-cosigner VKEY]... FILE VKEY
//		Every entry of a receipt must be proven by its tlog-proof.
//	logverify note [-cosigner VKEY]... FILE VKEY
//		The checkpoint must be signed by the log's key and by every cosigner.
//
// It prints one line and ends with 0 if all holds; otherwise it says what does not, and ends with 1.
package main

import (
	"flag"
	"fmt"
	"os"
)

// A list collects the values of an option that may be given several times.
type list []string

func (l *list) String() string { return fmt.Sprint(*l) }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: logverify log|receipt|note [options] SOURCE VKEY"))
	}
	var cosigners, old list
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.Var(&cosigners, "cosigner", "the `vkey` of a witness that must have cosigned")
	flags.Var(&old, "old", "a `file` with a checkpoint that the log must contain")
	token := flags.String("token", "", "the bearer `token` for entry bundles")
	flags.Parse(os.Args[2:])
	if flags.NArg() != 2 {
		fail(fmt.Errorf("usage: logverify log|receipt|note [options] SOURCE VKEY"))
	}
	keys, err := newKeys(flags.Arg(1), cosigners)
	if err != nil {
		fail(err)
	}
	var said string
	switch os.Args[1] {
	case "log":
		said, err = verifyLog(newSource(flags.Arg(0), *token), keys, old)
	case "receipt":
		said, err = verifyReceipt(flags.Arg(0), keys)
	case "note":
		said, err = verifyNote(flags.Arg(0), keys)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	fmt.Println(said)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "logverify:", err)
	os.Exit(1)
}
