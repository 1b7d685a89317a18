package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// verifyReceipt checks the proof of every entry of a receipt.
func verifyReceipt(path string, keys *keys) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var receipt struct {
		Entries []struct{ Entry, Proof string }
	}
	if err := json.Unmarshal(data, &receipt); err != nil {
		return "", err
	}
	if len(receipt.Entries) == 0 {
		return "", fmt.Errorf("the receipt has no entries")
	}
	for number, each := range receipt.Entries {
		index, err := verifyProof(each.Proof, each.Entry, keys)
		if err != nil {
			return "", fmt.Errorf("entry %d of the receipt: %v", number, err)
		}
		var entry struct{ Sequence *int64 }
		if err := json.Unmarshal([]byte(each.Entry), &entry); err != nil {
			return "", err
		}
		if entry.Sequence == nil || *entry.Sequence != index {
			return "", fmt.Errorf("entry %d of the receipt is proven at %d, which is not its number", number, index)
		}
	}
	return fmt.Sprintf("%d entries proven", len(receipt.Entries)), nil
}

// verifyProof checks a c2sp.org/tlog-proof@v1 and answers where in the log it proves the entry.
func verifyProof(proof, entry string, keys *keys) (int64, error) {
	head, checkpoint, found := strings.Cut(proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, fmt.Errorf("not a tlog-proof@v1")
	}
	lines = lines[1:]
	// Optional, and without a meaning to the tree.
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return 0, fmt.Errorf("the proof has no index")
	}
	number := strings.TrimPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != number {
		return 0, fmt.Errorf("the proof's index is %q", number)
	}
	var hashes tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil || base64.StdEncoding.EncodeToString(hash[:]) != line {
			return 0, fmt.Errorf("the proof has a hash %q", line)
		}
		hashes = append(hashes, hash)
	}
	tree, err := keys.open([]byte(checkpoint))
	if err != nil {
		return 0, err
	}
	return index, tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash([]byte(entry)))
}
