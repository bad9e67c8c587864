package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/internal/config"
	"jukicard/cardd/internal/keys"
	"jukicard/pki/keystore"
)

const keyLong = `Commands for the key store that cardd's configuration names (gp.key_store): the master
keys of the cards' issuer domain, and the transport keys under which further keys arrive.
Run them as cardd's user; cardd may go on meanwhile. No key is ever shown.`

func (a *app) keyCommand() *cobra.Command {
	c := group("key", "Hold a key ceremony, list keys, change the keys of cards")
	c.Long = keyLong
	list := &cobra.Command{
		Use: "list", Short: "List the keys of the store with their check values", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withKeys(keys.Open, func(r *keyRoom) error { return r.list(cmd.Context()) })
		},
	}
	c.AddCommand(list, a.ceremonyCommand(), a.rotateCommand())
	return c
}

// keyRoom is what a key command works with.
type keyRoom struct {
	*app
	config *config.Config
	store  keystore.Store
	now    func() time.Time
}

// boundary is called wherever a process may be killed; tests kill it there.
var boundary = func() {}

// withKeys opens the configured store for as long as f runs.
func (a *app) withKeys(open func(config.GP, string) (keystore.Store, error), f func(*keyRoom) error) (err error) {
	c, err := config.Load("")
	if err != nil {
		return refused(err)
	}
	s, err := open(c.GP, c.StateDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return keys.Coded(f(&keyRoom{app: a, config: c, store: s, now: time.Now}))
}

// dir is where the state of ceremonies or rotations is kept.
func (r *keyRoom) dir(name string) string { return filepath.Join(r.config.StateDir, name) }

// keyRow is a key as it is listed.
type keyRow struct {
	Use     string `json:"use"`
	Version string `json:"version,omitempty"` // two hexadecimal digits
	Label   string `json:"label"`
	Bits    int    `json:"bits"`
	KCV     string `json:"kcv,omitempty"` // of AES keys
}

func rowOf(k keystore.Key) keyRow {
	row := keyRow{Use: k.Use.String(), Label: k.Label, Bits: k.Bits}
	if k.Use == keystore.Master {
		row.Version = fmt.Sprintf("%02X", k.Version)
	}
	if k.Public == nil {
		row.KCV = k.KCV.String()
	}
	return row
}

func (r *keyRoom) list(ctx context.Context) error {
	all, err := r.store.List(ctx)
	if err != nil {
		return err
	}
	rows := make([]keyRow, 0, len(all))
	for _, k := range all {
		rows = append(rows, rowOf(k))
	}
	if r.json {
		r.printJSON(rows)
		return nil
	}
	if len(rows) == 0 {
		r.printf("%s\n", r.in2("The store holds no key; bring one in with: cardctl key ceremony", "鍵はありません。cardctl key ceremony で入れてください"))
		return nil
	}
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, r.in2("use\tversion\tlabel\tbits\tcheck value", "用途\t版\t名前\tビット\tチェック値"))
	for _, k := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", r.useWord(k.Use), k.Version, k.Label, k.Bits, k.KCV)
	}
	return w.Flush()
}

func (r *keyRoom) useWord(use string) string {
	return r.in2(use, map[string]string{"master": "マスター鍵", "transport": "輸送鍵", "signing": "署名鍵"}[use])
}

// parseVersion reads a key version as cards and lists show it: two hexadecimal digits.
func parseVersion(flag, text string) (byte, error) {
	v, err := strconv.ParseUint(text, 16, 8)
	if err != nil || len(text) != 2 || v == 0 || v > keystore.VersionMax {
		return 0, refused(fmt.Errorf("cannot take --%s: a key version has two hexadecimal digits from 01 to %02X, as cardctl key list shows it", flag, keystore.VersionMax))
	}
	return byte(v), nil
}

// askLine asks for something that may be seen.
func (r *keyRoom) askLine(question string) (string, error) {
	r.notef("%s: ", question)
	b, err := r.lines.next(r.in)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}
