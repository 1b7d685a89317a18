package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// The height of the tiles of C2SP tlog-tiles: 256 hashes each.
const height = 8

// A source is a log's files, in a folder or behind a URL.
type source struct {
	place  string
	token  string
	client *http.Client
}

func newSource(place, token string) *source {
	return &source{strings.TrimSuffix(place, "/"), token, &http.Client{}}
}

func (s *source) read(path string) ([]byte, error) {
	if !strings.HasPrefix(s.place, "http://") && !strings.HasPrefix(s.place, "https://") {
		return os.ReadFile(filepath.Join(s.place, filepath.FromSlash(path)))
	}
	request, err := http.NewRequest("GET", s.place+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	// Hashes are for anyone; entries say who did what.
	if strings.HasPrefix(path, "tile/entries/") && s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	return data, err
}

// tilesOf lists the tiles of a log: full ones, and one at the end of each level that is not. (tlog.NewTiles lists every
// width that the last one may have had.)
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; size > 0; level++ {
		for n := int64(0); n<<height < size; n++ {
			width := size - n<<height
			if width > 1<<height {
				width = 1 << height
			}
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: n, W: int(width)})
		}
		size >>= height
	}
	return tiles
}

// tilePath is the path of a tile: x/mod's without the height, which tlog-tiles fixes at 8.
func tilePath(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

// bundlePath is the path of the bundle with the entries of a tile of the lowest level.
func bundlePath(tile tlog.Tile) string {
	return "tile/entries/" + strings.TrimPrefix(tilePath(tile), "tile/0/")
}

// tileReader reads tiles for tlog.TileHashReader, which checks them against the tree before it uses them.
type tileReader struct {
	*source
	read map[tlog.Tile][]byte
}

func (r *tileReader) Height() int                     { return height }
func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := r.tile(tile)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (r *tileReader) tile(tile tlog.Tile) ([]byte, error) {
	if data, ok := r.read[tile]; ok {
		return data, nil
	}
	data, err := r.source.read(tilePath(tile))
	if err != nil {
		return nil, err
	}
	if len(data) != tile.W*tlog.HashSize {
		return nil, fmt.Errorf("%s has %d bytes", tilePath(tile), len(data))
	}
	r.read[tile] = data
	return data, nil
}

// bundle reads the entries of a tile of the lowest level: each a length of two bytes and as many bytes.
func (s *source) bundle(tile tlog.Tile) ([][]byte, error) {
	path := bundlePath(tile)
	data, err := s.read(path)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, fmt.Errorf("%s is cut", path)
		}
		length := int(data[0])<<8 | int(data[1])
		if len(data) < 2+length {
			return nil, fmt.Errorf("%s is cut", path)
		}
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(entries) != tile.W {
		return nil, fmt.Errorf("%s has %d entries, not %d", path, len(entries), tile.W)
	}
	return entries, nil
}
