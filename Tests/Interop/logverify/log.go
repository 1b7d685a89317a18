package main

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// verifyLog re-derives a whole log from its entries, and compares everything that it publishes with that.
func verifyLog(source *source, keys *keys, old []string) (string, error) {
	data, err := source.read("checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := keys.open(data)
	if err != nil {
		return "", err
	}
	derived, err := deriveTree(source, tree)
	if err != nil {
		return "", err
	}
	// Go's own way with a log of tiles: a reader that believes no tile before it has checked it against the root. It does
	// so anew for every proof, so with the tiles compared above, two entries of each bundle are enough for it.
	published := tlog.TileHashReader(tree, &tileReader{source, map[tlog.Tile][]byte{}})
	for number := int64(0); number < tree.N; number++ {
		leaf, err := derived.ReadHashes([]int64{tlog.StoredHashIndex(0, number)})
		if err != nil {
			return "", err
		}
		readers := []tlog.HashReader{derived}
		if offset := number & (1<<height - 1); offset == 0 || offset == 255 || number == tree.N-1 {
			readers = append(readers, published)
		}
		for _, reader := range readers {
			proof, err := tlog.ProveRecord(tree.N, number, reader)
			if err != nil {
				return "", fmt.Errorf("entry %d: %v", number, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, number, leaf[0]); err != nil {
				return "", fmt.Errorf("entry %d: %v", number, err)
			}
		}
	}
	for _, path := range old {
		if err := contains(tree, published, keys, path); err != nil {
			return "", fmt.Errorf("%s: %v", path, err)
		}
	}
	return fmt.Sprintf("%d entries included, %d older checkpoints contained", tree.N, len(old)), nil
}

// deriveTree reads every bundle and computes the tree from the entries; every tile and the root must follow from it.
func deriveTree(source *source, tree tlog.Tree) (tlog.HashReader, error) {
	var stored []tlog.Hash
	derived := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			if index < 0 || index >= int64(len(stored)) {
				return nil, fmt.Errorf("no hash %d", index)
			}
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	tiles := tilesOf(tree.N)
	for _, tile := range tiles {
		if tile.L != 0 {
			continue
		}
		entries, err := source.bundle(tile)
		if err != nil {
			return nil, err
		}
		for offset, entry := range entries {
			hashes, err := tlog.StoredHashes(tile.N<<height+int64(offset), entry, derived)
			if err != nil {
				return nil, err
			}
			stored = append(stored, hashes...)
		}
	}
	for _, tile := range tiles {
		wanted, err := tlog.ReadTileData(tile, derived)
		if err != nil {
			return nil, err
		}
		data, err := source.read(tilePath(tile))
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(data, wanted) {
			return nil, fmt.Errorf("%s does not follow from the entries", tilePath(tile))
		}
	}
	if tree.N > 0 {
		root, err := tlog.TreeHash(tree.N, derived)
		if err != nil {
			return nil, err
		}
		if root != tree.Hash {
			return nil, fmt.Errorf("the entries hash to %v, the checkpoint says %v", root, tree.Hash)
		}
	}
	return derived, nil
}

// contains checks that the log of an older checkpoint is the beginning of this one.
func contains(tree tlog.Tree, published tlog.HashReader, keys *keys, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// Witnesses cosign when they can; an older checkpoint needs the log's signature only.
	old, err := keys.ofLog().open(data)
	if err != nil {
		return err
	}
	if old.N == 0 {
		return nil
	}
	if old.N > tree.N {
		return fmt.Errorf("it has %d entries, and the log now %d: the log was cut", old.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, published)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("the log does not contain it: %v", err)
	}
	return nil
}
