package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"jukicard/pki/substitute/mj"
)

// tables make a database with the columns that are read, and rows of every shape.
const tables = `
CREATE TABLE mji ("MJ文字図形名", "対応するUCS", "実装したUCS", "実装したMoji_JohoコレクションIVS", "実装したSVS", "住基ネット統一文字コード");
CREATE TABLE mji_duplicated_ivs ("MJ文字図形名", "重複実装したMoji_JohoコレクションIVS");
CREATE TABLE mjsm ("MJ文字図形名", "縮退UCS", "表", "順位", "ホップ数");
INSERT INTO mji VALUES
	('MJ030183', '欄', char(63773), NULL, '欄︀', NULL),
	('MJ022335', '葛', NULL, '葛󠄂', NULL, 'J+845B'),
	('MJ037229', NULL, NULL, NULL, NULL, NULL),
	('MJ059399', '𫧤', NULL, '𫧤󠄀', NULL, 'J+AE6F');
INSERT INTO mji_duplicated_ivs VALUES ('MJ059399', '博󠄊');
INSERT INTO mjsm VALUES
	('MJ059399', '愽', '辞書類等による関連字', NULL, NULL),
	('MJ059399', '博', '戸籍統一文字情報_親字正字', NULL, 3),
	('MJ059399', '博', '戸籍統一文字情報_親字正字', NULL, 1),
	('MJ059399', '博', '辞書類等による関連字', NULL, NULL),
	('MJ022335', '葛', '法務省告示582号別表第四_一', 2, NULL);`

func open(t *testing.T, extra string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "moji.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(tables + extra); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestRead(t *testing.T) {
	got, err := read(open(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	want := []mj.Glyph{
		{Number: 22335, Base: '葛', Juki: 0x845B, Sequences: []mj.Sequence{{Base: '葛', Selector: 0xE0102}},
			Candidates: []mj.Candidate{{Char: '葛', Sources: []mj.Source{{Table: mj.Notice582One, Grade: 2}}}}},
		{Number: 30183, Base: '欄', Plain: '\uF91D', Sequences: []mj.Sequence{{Base: '欄', Selector: 0xFE00}}},
		{Number: 37229},
		{Number: 59399, Base: '𫧤', Juki: 0xAE6F, Sequences: []mj.Sequence{{Base: '𫧤', Selector: 0xE0100}, {Base: '博', Selector: 0xE010A}},
			Candidates: []mj.Candidate{
				{Char: '博', Sources: []mj.Source{{Table: mj.KosekiParent, Grade: 1}, {Table: mj.Dictionaries}}},
				{Char: '愽', Sources: []mj.Source{{Table: mj.Dictionaries}}},
			}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, extra := range map[string]string{
		"another name of a glyph":    `INSERT INTO mji VALUES ('XX000001', '山', NULL, NULL, NULL, NULL)`,
		"a character of two":         `INSERT INTO mji VALUES ('MJ000001', '山川', NULL, NULL, NULL, NULL)`,
		"a sequence of one":          `INSERT INTO mji VALUES ('MJ000001', '山', NULL, '山', NULL, NULL)`,
		"a code of Unicode":          `INSERT INTO mji VALUES ('MJ000001', '山', NULL, NULL, NULL, 'U+5C71')`,
		"a code of five digits":      `INSERT INTO mji VALUES ('MJ000001', '山', NULL, NULL, NULL, 'J+20BB7')`,
		"a sequence of no glyph":     `INSERT INTO mji_duplicated_ivs VALUES ('MJ000001', '博󠄊')`,
		"an unknown table":           `INSERT INTO mjsm VALUES ('MJ022335', '葛', '新しい表', NULL, NULL)`,
		"a rank where none is":       `INSERT INTO mjsm VALUES ('MJ022335', '葛', '辞書類等による関連字', 1, NULL)`,
		"no rank where one is":       `INSERT INTO mjsm VALUES ('MJ022335', '葛', '法務省告示582号別表第四_二', NULL, NULL)`,
		"a substitute for no glyph":  `INSERT INTO mjsm VALUES ('MJ000001', '葛', '辞書類等による関連字', NULL, NULL)`,
		"a substitute of characters": `INSERT INTO mjsm VALUES ('MJ022335', '葛葛', '辞書類等による関連字', NULL, NULL)`,
		"no list":                    `DROP TABLE mji`,
		"no second sequences":        `DROP TABLE mji_duplicated_ivs`,
		"no map":                     `DROP TABLE mjsm`,
	} {
		if _, err := read(open(t, extra)); err == nil || !strings.HasPrefix(err.Error(), "cannot read") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tarball packs one file.
func tarball(t *testing.T, name, content string) (path, digest string) {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
}

func TestUnpackTakesTheRightTarballOnly(t *testing.T) {
	to := filepath.Join(t.TempDir(), "moji.db")
	good, sum := tarball(t, database, "the database")
	if err := unpack(good, to, sum); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "the database" {
		t.Errorf("%q %v", b, err)
	}
	if err := unpack(good, to, digest); err == nil || !strings.Contains(err.Error(), origin) {
		t.Errorf("another tarball: %v", err)
	}
	other, sum := tarball(t, "package/README.md", "nothing")
	if err := unpack(other, to, sum); err == nil || !strings.Contains(err.Error(), database) {
		t.Errorf("a tarball without the database: %v", err)
	}
	if err := extract(filepath.Join(t.TempDir(), "none.tgz"), to); err == nil || !strings.Contains(err.Error(), "npm pack") {
		t.Errorf("no tarball: %v", err)
	}
}
