// Command verify-log checks a served tlog-tiles log with golang.org/x/mod/sumdb, code that shares
// nothing with the log's own: the checkpoint's signature, every tile, every entry, inclusion proofs,
// and that the log continues earlier checkpoints.
//
// The only glue is the tiles' path: sumdb writes tile/8/L/N, tlog-tiles writes tile/L/N.
//
// Exit status: 0 verified, 1 the log does not verify, 2 it could not be read.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// maxBody bounds every answer: a bundle of 256 entries of 65,535 bytes.
	maxBody = tileWidth * (2 + 65535)
	// proofs is how many entries get an inclusion proof of their own.
	proofs = 64
)

var errUnreadable = errors.New("could not be read")

func main() {
	vkey := flag.String("vkey", "", "verifier key; read from the log itself when empty")
	since := flag.String("since", "", "comma-separated files with earlier checkpoints that the log must continue")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: verify-log [-vkey KEY] [-since FILES] LOG-URL")
		os.Exit(2)
	}
	summary, err := verify(strings.TrimSuffix(flag.Arg(0), "/"), *vkey, *since)
	if errors.Is(err, errUnreadable) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "NOT VERIFIED:", err)
		os.Exit(1)
	}
	fmt.Println(summary)
}

func verify(base, vkey, since string) (string, error) {
	if vkey == "" {
		served, err := get(base + "/vkey")
		if err != nil {
			return "", err
		}
		vkey = strings.TrimSpace(string(served))
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	signed, err := get(base + "/checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint(signed, verifier)
	if err != nil {
		return "", err
	}
	own, err := hashEntries(base, tree)
	if err != nil {
		return "", err
	}
	if err := checkTiles(base, tree, own); err != nil {
		return "", err
	}
	hashes := tlog.TileHashReader(tree, tileReader{base})
	if err := checkInclusion(tree, own, hashes); err != nil {
		return "", err
	}
	earlier, err := checkConsistency(tree, hashes, verifier, since)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("verified %d entries of %s, consistent with %d earlier checkpoints", tree.N, verifier.Name(), earlier), nil
}

// openCheckpoint reads a signed note whose text is origin, size and root, one to a line.
func openCheckpoint(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("checkpoint: not of the key's origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("checkpoint: malformed size")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("checkpoint: malformed root")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// storedHashes are the hashes of a whole tree in sumdb's order of storage.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(s)) {
			return nil, errors.New("no such hash in the tree")
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// hashEntries reads every entry and checks that together they hash to the signed root.
func hashEntries(base string, tree tlog.Tree) (storedHashes, error) {
	var own storedHashes
	for start := int64(0); start < tree.N; start += tileWidth {
		entries, err := readBundle(base, start, tree.N)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(start+int64(i), entry, own)
			if err != nil {
				return nil, err
			}
			own = append(own, hashes...)
		}
	}
	root, err := tlog.TreeHash(tree.N, own)
	if err != nil {
		return nil, err
	}
	if tree.N > 0 && root != tree.Hash {
		return nil, fmt.Errorf("the %d entries do not hash to the signed root", tree.N)
	}
	return own, nil
}

// checkTiles compares every tile with what the entries make of it.
//
// sumdb's own TileHashReader would not do: in the versions that distributions carry it leaves a tile
// unauthenticated where the tree's root is computed from two subtrees of one tile.
func checkTiles(base string, tree tlog.Tree, own storedHashes) error {
	for _, tile := range tilesOf(tree.N) {
		expected, err := tlog.ReadTileData(tile, own)
		if err != nil {
			return err
		}
		served, err := (tileReader{base}).ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(served[0], expected) {
			return fmt.Errorf("%s does not fit the entries", tile.Path())
		}
	}
	return nil
}

// tilesOf lists every tile of a tree: full ones, and the partial one that may end a level.
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level, hashes := 0, size; hashes > 0; level, hashes = level+1, hashes/tileWidth {
		for start := int64(0); start < hashes; start += tileWidth {
			width := hashes - start
			if width > tileWidth {
				width = tileWidth
			}
			tiles = append(tiles, tlog.Tile{H: tileHeight, L: level, N: start / tileWidth, W: int(width)})
		}
	}
	return tiles
}

// checkInclusion proves, from tiles, entries spread over the log, the last one among them.
func checkInclusion(tree tlog.Tree, own storedHashes, hashes tlog.HashReader) error {
	step := tree.N/proofs + 1
	for index := tree.N - 1; index >= 0; index -= step {
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return err
		}
		leaf := own[tlog.StoredHashIndex(0, index)]
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return nil
}

// checkConsistency proves that the tree continues each earlier checkpoint; it returns their number.
func checkConsistency(tree tlog.Tree, hashes tlog.HashReader, verifier note.Verifier, since string) (int, error) {
	count := 0
	for _, file := range strings.FieldsFunc(since, func(r rune) bool { return r == ',' }) {
		signed, err := os.ReadFile(file)
		if err != nil {
			return 0, fmt.Errorf("%w: %v", errUnreadable, err)
		}
		earlier, err := openCheckpoint(signed, verifier)
		if err != nil {
			return 0, err
		}
		if earlier.N > tree.N {
			return 0, fmt.Errorf("the log went back from %d to %d entries", earlier.N, tree.N)
		}
		proof, err := tlog.ProveTree(tree.N, earlier.N, hashes)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash); err != nil {
			return 0, fmt.Errorf("checkpoint of size %d: %w", earlier.N, err)
		}
		count++
	}
	return count, nil
}

// readBundle reads the entries from start to the end of their bundle in a tree of the given size.
func readBundle(base string, start, size int64) ([][]byte, error) {
	width := size - start
	if width > tileWidth {
		width = tileWidth
	}
	// A tile of level 0 has the same index and suffix as its bundle.
	tile := tlog.Tile{H: tileHeight, L: 0, N: start / tileWidth, W: int(width)}
	data, err := get(base + "/" + strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) >= 2 {
		length := 2 + int(binary.BigEndian.Uint16(data))
		if length > len(data) {
			break
		}
		entries = append(entries, data[2:length])
		data = data[length:]
	}
	if len(data) != 0 || int64(len(entries)) != width {
		return nil, fmt.Errorf("bundle at %d: malformed", start)
	}
	return entries, nil
}

// tileReader serves sumdb's reader, which authenticates every tile against the tree's root.
type tileReader struct{ base string }

func (r tileReader) Height() int { return tileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		served, err := get(r.base + "/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		data[i] = served
	}
	return data, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errUnreadable, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s is missing", url)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answered %s", errUnreadable, url, response.Status)
	}
	var body bytes.Buffer
	if _, err := io.Copy(&body, io.LimitReader(response.Body, maxBody+1)); err != nil {
		return nil, fmt.Errorf("%w: %v", errUnreadable, err)
	}
	if body.Len() > maxBody {
		return nil, fmt.Errorf("%s is too long", url)
	}
	return body.Bytes(), nil
}
