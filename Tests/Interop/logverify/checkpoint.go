package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// keys are whose signatures a checkpoint must bear: all of them.
type keys struct {
	origin    string
	verifiers []note.Verifier
}

func newKeys(vkey string, cosigners []string) (*keys, error) {
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %v", err)
	}
	found := &keys{origin: log.Name(), verifiers: []note.Verifier{log}}
	for _, text := range cosigners {
		cosigner, err := newCosigner(text)
		if err != nil {
			return nil, fmt.Errorf("the cosigner's key %q: %v", text, err)
		}
		found.verifiers = append(found.verifiers, cosigner)
	}
	return found, nil
}

// ofLog is the log's key alone.
func (k *keys) ofLog() *keys { return &keys{k.origin, k.verifiers[:1]} }

// A cosigner is a verifier of cosignature/v1 (C2SP tlog-cosignature, type 0x04).
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("not NAME+HASH+KEY")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		return nil, fmt.Errorf("not an Ed25519 key of type 4")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	hash := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, fmt.Errorf("its hash is not that of the key")
	}
	return &cosigner{parts[0], hash, raw[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	if seconds == 0 || seconds > 1<<63-1 {
		return false
	}
	signed := append([]byte("cosignature/v1\ntime "+strconv.FormatUint(seconds, 10)+"\n"), text...)
	return ed25519.Verify(c.key, signed, signature[8:])
}

// open checks a signed checkpoint. The text is C2SP tlog-checkpoint's: origin, size, root, and extensions, which this
// log does not have.
func (k *keys) open(data []byte) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(data, note.VerifierList(k.verifiers...))
	if err != nil {
		return tree, fmt.Errorf("the checkpoint: %v", err)
	}
	for _, wanted := range k.verifiers {
		signed := false
		for _, signature := range opened.Sigs {
			signed = signed || signature.Name == wanted.Name() && signature.Hash == wanted.KeyHash()
		}
		if !signed {
			return tree, fmt.Errorf("the checkpoint is not signed by %s+%08x", wanted.Name(), wanted.KeyHash())
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tree, fmt.Errorf("the checkpoint has not three lines")
	}
	if lines[0] != k.origin {
		return tree, fmt.Errorf("the checkpoint is of %q, not of %q", lines[0], k.origin)
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || tree.N < 0 || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, fmt.Errorf("the checkpoint's size is %q", lines[1])
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	if err != nil || tree.Hash.String() != lines[2] {
		return tree, fmt.Errorf("the checkpoint's root is %q", lines[2])
	}
	return tree, nil
}

func verifyNote(path string, keys *keys) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	tree, err := keys.open(data)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("checkpoint of %d entries, %d signatures verified", tree.N, len(keys.verifiers)), nil
}
