// Command extract makes the data file of package substitute from a database that
// others keep: the tarball of the npm package @mandel59/mojidata, which holds the
// MJ文字情報一覧表 and the MJ縮退マップ as SQLite.
//
//	npm pack @mandel59/mojidata@1.8.1
//	go run ./pki/substitute/extract -from mandel59-mojidata-1.8.1.tgz -to pki/substitute/mj.dat
//
// It takes that one version and no other: its digest stands here. The 105 MB of the
// database are not kept. The same tarball gives the same file, byte for byte, and a
// test of package substitute pins it. To move to another version, change the three
// constants, run it, read what `cardctl moji stats` says now, and pin that.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // reads the database

	"jukicard/pki/substitute/mj"
)

// The tarball, its digest, and the database in it.
const (
	origin   = "npm @mandel59/mojidata 1.8.1"
	digest   = "d51b41cc0164211090757eb2f5e74cd343a1cae82061b14082c4f436891b87b4"
	database = "package/dist/moji.db"
)

// header is what the file says of itself. The package's LICENSE.md and download.txt
// are the source of rights, licence and versions.
var header = mj.Header{
	Data:    "MJ文字情報一覧表 Ver.006.02 (mji.00602.xlsx), MJ縮退マップ Ver.1.2.0 (MJShrinkMapVer.1.2.0.zip)",
	Rights:  "Copyright © IPA 独立行政法人情報処理推進機構 Information-technology Promotion Agency, Japan",
	Licence: "CC BY-SA 2.1 JP, https://creativecommons.org/licenses/by-sa/2.1/jp/legalcode; this file is an adaptation under the same licence",
	Changes: "columns left out (readings, radicals, stroke counts, dictionaries, other codes); tables of the map joined per glyph; encoded anew",
	From:    origin + ", tarball sha256 " + digest,
}

func main() {
	from := flag.String("from", "", "the `tarball` as npm pack gives it")
	to := flag.String("to", "pki/substitute/mj.dat", "the data `file` to write")
	flag.Parse()
	if err := extract(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "extract:", err)
		os.Exit(1)
	}
}

func extract(from, to string) (err error) {
	dir, err := os.MkdirTemp("", "moji")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "moji.db")
	if err := unpack(from, file, digest); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	glyphs, err := read(db)
	if err != nil {
		return err
	}
	out, err := mj.Encode(header, glyphs)
	if err != nil {
		return err
	}
	return os.WriteFile(to, out, 0o644)
}

// unpack takes the database out of the tarball, when that is the right one.
func unpack(from, to, want string) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot read the tarball: %w; get it with: npm pack @mandel59/mojidata@1.8.1", err)
	}
	defer func() { _ = f.Close() }() // read only
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("cannot take %s: its SHA-256 is %s, not that of %s", from, got, origin)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for files := tar.NewReader(zipped); ; {
		entry, err := files.Next()
		if err != nil {
			return fmt.Errorf("cannot find %s in the tarball: %w", database, err)
		}
		if entry.Name == database {
			return save(files, to)
		}
	}
}

func save(r io.Reader, to string) (err error) {
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, r)
	return err
}
