package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/text/unicode/norm"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/keys"
	"jukicard/pki/keystore"
)

const ceremonyLong = `Brings a key into the store, before two persons:

  --from components  three custodians enter a component each, one after the other and
                     unseen; the key is the three XORed
  --from wrapped     the key comes in a file, wrapped under a transport key of the store
  --from random      the store makes the key, and nobody ever has it

Check values are the first five bytes of the AES-CMAC of sixteen zero bytes. That of each
component is compared with the custodian's form, that of the key with the expected one.
A key of another version stands beside those that are there. Nothing is kept before all
values are right; killed before that, begin again, killed after it, the same command
writes the record. The record holds names, times and check values and no key.`

// Ways by which a key comes.
const (
	fromComponents = "components"
	fromWrapped    = "wrapped"
	fromRandom     = "random"
)

// ceremonyFlags are a ceremony as the command line has it.
type ceremonyFlags struct {
	from, version, transport, label string
	bits                            int
	expect, file, under             string
	persons
	paper
}

func (a *app) ceremonyCommand() *cobra.Command {
	var f ceremonyFlags
	c := &cobra.Command{
		Use: "ceremony", Short: "Bring a master key or a transport key into the store, before two persons", Long: ceremonyLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.ceremony()
			if err != nil {
				return err
			}
			return a.withKeys(keys.Create, func(r *keyRoom) error { return r.hold(cmd.Context(), c) })
		},
	}
	s := c.Flags()
	s.StringVar(&f.from, "from", fromComponents, "where the key comes from: components, wrapped or random")
	s.StringVar(&f.version, "version", "", "key `version` of a master key, two hexadecimal digits; cards state it")
	s.StringVar(&f.transport, "transport", "", "make it a transport key of this `label` in place of a master key")
	s.StringVar(&f.label, "label", "issuer domain", "what people call the master key")
	s.IntVar(&f.bits, "bits", 256, "length of the key: 128, 192 or 256")
	s.StringVar(&f.expect, "expect", "", "expected check value of a key that comes from elsewhere, 6 to 10 hexadecimal digits; asked for without it where components make the key")
	s.StringVar(&f.file, "file", "", "wrapped key (`file` of JSON: method, size, iv, data, kcv; bytes in hexadecimal)")
	s.StringVar(&f.under, "under", "", "`label` of the transport key that a wrapped key is under")
	f.persons.flags(c)
	f.paper.flags(c)
	return c
}

// ceremony is what is to be done; all of it may be written down.
type ceremony struct {
	From    string      `json:"from"`
	Key     keystore.ID `json:"-"`
	Use     string      `json:"use"`
	Version string      `json:"version,omitempty"`
	Label   string      `json:"label"`
	Bits    int         `json:"bits"`
	Under   string      `json:"under,omitempty"`
	persons
	Custodians []custodian  `json:"custodians,omitempty"`
	Expected   string       `json:"expected,omitempty"`
	KCV        string       `json:"kcv,omitempty"`
	Stage      string       `json:"stage"` // begun, checked, stored, done
	Begun      time.Time    `json:"begun"`
	Ended      time.Time    `json:"ended,omitzero"`
	expect     string       // as the command line has it
	wrapped    *wrappedFile // of fromWrapped
	paper      paper
}

// custodian is who entered a component.
type custodian struct {
	Name string    `json:"name"`
	KCV  string    `json:"kcv"`
	At   time.Time `json:"at"`
}

// Stages of a ceremony. Before stageChecked nothing is in the store; after it the store
// says whether the key came in.
const (
	stageBegun   = "begun"
	stageChecked = "checked"
	stageStored  = "stored"
	stageDone    = "done"
)

// ceremony checks the command line.
func (f ceremonyFlags) ceremony() (*ceremony, error) {
	c := &ceremony{From: f.from, Bits: f.bits, Under: f.under, persons: f.persons, expect: f.expect, paper: f.paper}
	c.Key = keystore.ID{Use: keystore.Transport, Label: f.transport}
	if f.transport == "" {
		v, err := parseVersion("version", f.version)
		if err != nil {
			return nil, err
		}
		c.Key, c.Version = keystore.ID{Use: keystore.Master, Version: v, Label: f.label}, f.version
	} else if f.version != "" {
		return nil, refused(errors.New("cannot take --version with --transport: a transport key has a label alone"))
	}
	if err := c.Key.Check(); err != nil {
		return nil, refused(err)
	}
	c.Use, c.Label = c.Key.Use.String(), c.Key.Label
	switch {
	case !slices.Contains([]string{fromComponents, fromWrapped, fromRandom}, f.from):
		return nil, refused(errors.New("cannot take --from: write components, wrapped or random"))
	case f.bits != 128 && f.bits != 192 && f.bits != 256:
		return nil, refused(errors.New("cannot take --bits: write 128, 192 or 256"))
	case f.from == fromRandom && f.expect != "":
		return nil, refused(errors.New("cannot expect a check value of a random key: leave --expect out"))
	case (f.from == fromWrapped) != (f.file != "" && f.under != ""):
		return nil, refused(errors.New("cannot take a wrapped key: --from wrapped, --file FILE and --under LABEL go together"))
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.paper.check(); err != nil {
		return nil, err
	}
	return c, c.readWrapped(f.file)
}

// differ refuses a person who was named before.
func differ(as, name string, before ...string) error {
	for _, b := range before {
		if samePerson(name, b) {
			return failure.New(failure.KeysPerson, as, nil)
		}
	}
	return nil
}

// samePerson compares names as people write them: width, case and spaces apart
// (Unicode Standard Annex #15, NFKC).
func samePerson(a, b string) bool {
	plain := func(s string) string {
		return strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(s)), ""))
	}
	return plain(a) == plain(b)
}

// wrappedFile is a wrapped key as it comes.
type wrappedFile struct {
	Method keystore.Method `json:"method"`
	Size   int             `json:"size"` // bytes
	IV     string          `json:"iv,omitempty"`
	Data   string          `json:"data"`
	KCV    string          `json:"kcv"` // ten hexadecimal digits
}

const wrappedFileMax = 4096 // bytes

func (c *ceremony) readWrapped(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return refused(fmt.Errorf("cannot read wrapped key: %w", err))
	}
	defer func() { _ = f.Close() }() // it was only read
	d := json.NewDecoder(io.LimitReader(f, wrappedFileMax))
	d.DisallowUnknownFields()
	c.wrapped = &wrappedFile{}
	if err := d.Decode(c.wrapped); err != nil {
		return refused(fmt.Errorf("cannot read wrapped key %s: %w", path, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refused(fmt.Errorf("cannot read wrapped key %s: something stands behind it; give one key a file", path))
	}
	c.Bits = 8 * c.wrapped.Size
	_, _, err = c.wrapped.parse()
	return err
}

func (w *wrappedFile) parse() (out keystore.Wrapped, kcv keystore.KCV, err error) {
	out.Method, out.Size = w.Method, w.Size
	var bad [2]error
	out.IV, bad[0] = hex.DecodeString(w.IV)
	out.Data, bad[1] = hex.DecodeString(w.Data)
	kcv, n, err := keystore.ParseKCV(w.KCV)
	if err = errors.Join(bad[0], bad[1], err); err == nil {
		err = out.Check()
	}
	if err == nil && n != len(kcv) {
		err = errors.New("cannot take a wrapped key: its check value has 10 hexadecimal digits")
	}
	if err != nil {
		return out, kcv, refused(err)
	}
	return out, kcv, nil
}

// statePath is where a ceremony is remembered, one file for each key.
func (r *keyRoom) statePath(c *ceremony) string {
	name := "master-" + c.Version
	if c.Key.Use == keystore.Transport {
		name = "transport-" + hex.EncodeToString([]byte(c.Key.Label))
	}
	return filepath.Join(r.dir("ceremonies"), name+".json")
}

// hold holds the ceremony, or ends one that was interrupted after its key came in.
func (r *keyRoom) hold(ctx context.Context, c *ceremony) error {
	keeper, ok := r.store.(keystore.Keeper)
	if !ok {
		return failure.New(failure.KeysUnable, "the key store takes no keys in", nil)
	}
	there, err := r.find(ctx, c.Key)
	if err != nil {
		return err
	}
	if there != nil {
		return r.resume(ctx, c, *there)
	}
	var before ceremony
	if found, err := loadState(r.statePath(c), &before); err != nil {
		return err
	} else if found && before.Stage == stageDone { // of a key that was removed since
		if err := putAside(r.statePath(c), before.Ended); err != nil {
			return err
		}
	}
	c.Stage, c.Begun = stageBegun, r.now().UTC().Truncate(time.Second)
	if err := saveState(r.statePath(c), c); err != nil {
		return err
	}
	k, err := r.bring(ctx, c, keeper)
	if err != nil {
		return err
	}
	boundary()
	return r.end(ctx, c, k)
}

// find gives the key of that ID, nil when there is none.
func (r *keyRoom) find(ctx context.Context, id keystore.ID) (*keystore.Key, error) {
	all, err := r.store.List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(k keystore.Key) bool {
		return k.Use == id.Use && k.Version == id.Version && (id.Use == keystore.Master || k.Label == id.Label)
	})
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

// resume ends a ceremony of which the key is in the store and the record is not
// written. Any other key of that name was not brought in by it, and stays.
func (r *keyRoom) resume(ctx context.Context, c *ceremony, there keystore.Key) error {
	var before ceremony
	found, err := loadState(r.statePath(c), &before)
	if err != nil {
		return err
	}
	if !found || before.Stage == stageDone || before.Stage == stageBegun && before.From != fromRandom || before.KCV != "" && before.KCV != there.KCV.String() {
		return failure.New(failure.KeysTaken, there.String()+", check value "+there.KCV.String(), nil)
	}
	before.Key, before.paper = there.ID, c.paper
	r.notef("%s\n", r.in2("The key is in the store: an interrupted ceremony is ended.", "鍵はすでに保管されています。中断した作業を完了します。"))
	return r.end(ctx, &before, there)
}

// bring gets the key into the store.
func (r *keyRoom) bring(ctx context.Context, c *ceremony, keeper keystore.Keeper) (keystore.Key, error) {
	switch c.From {
	case fromRandom:
		return keeper.Generate(ctx, c.Key, c.Bits/8)
	case fromWrapped:
		return r.bringWrapped(ctx, c)
	}
	key, err := r.components(ctx, c)
	if err != nil {
		return keystore.Key{}, err
	}
	defer key.Destroy()
	if err := r.compare(c, key); err != nil {
		return keystore.Key{}, err
	}
	return keeper.Import(ctx, c.Key, key)
}

// compare holds the key's check value against the expected one, which is asked for
// before the key's is shown: nobody copies it from the screen.
func (r *keyRoom) compare(c *ceremony, key secret.Bytes) error {
	kcv, err := keystore.KCVOf(key)
	if err != nil {
		return err
	}
	if c.expect == "" {
		if c.expect, err = r.askLine(r.in2("Expected check value", "期待されるチェック値")); err != nil {
			return err
		}
	}
	r.printf(r.in2("Check value of the key: %v\n", "鍵のチェック値: %v\n"), kcv)
	want, n, err := keystore.ParseKCV(c.expect)
	if err != nil {
		return refused(err)
	}
	if !kcv.Matches(want, n) {
		return failure.New(failure.KeysCheck, "the three components make another key", nil)
	}
	return r.checked(c, kcv, strings.ToUpper(hex.EncodeToString(want[:n])))
}

// checked remembers what may now come into the store.
func (r *keyRoom) checked(c *ceremony, kcv keystore.KCV, expected string) error {
	c.KCV, c.Expected, c.Stage = kcv.String(), expected, stageChecked
	return saveState(r.statePath(c), c)
}

func (r *keyRoom) bringWrapped(ctx context.Context, c *ceremony) (keystore.Key, error) {
	u, ok := r.store.(keystore.Unwrapper)
	if !ok {
		return keystore.Key{}, failure.New(failure.KeysUnable, "the key store takes no wrapped keys", nil)
	}
	w, kcv, err := c.wrapped.parse()
	if err != nil {
		return keystore.Key{}, err
	}
	if c.expect != "" {
		want, n, err := keystore.ParseKCV(c.expect)
		if err != nil {
			return keystore.Key{}, refused(err)
		}
		if !kcv.Matches(want, n) {
			return keystore.Key{}, failure.New(failure.KeysCheck, "the file states another check value", nil)
		}
	}
	if err := r.checked(c, kcv, kcv.String()); err != nil {
		return keystore.Key{}, err
	}
	return u.Unwrap(ctx, c.Key, c.Under, w, kcv)
}

// end writes the record of a key that is in the store.
func (r *keyRoom) end(ctx context.Context, c *ceremony, k keystore.Key) error {
	c.KCV, c.Bits, c.Stage = k.KCV.String(), k.Bits, stageStored
	if c.Ended.IsZero() {
		c.Ended = r.now().UTC().Truncate(time.Second)
	}
	path := r.statePath(c)
	if err := saveState(path, c); err != nil {
		return err
	}
	record, kept := c.text(r.config.Station.Name, fmt.Sprint(r.store)), strings.TrimSuffix(path, ".json")
	if err := r.keep(kept, record, c.paper); err != nil {
		return err
	}
	c.Stage = stageDone
	if err := saveState(path, c); err != nil {
		return err
	}
	if r.json {
		r.printJSON(rowOf(k))
	} else {
		r.printf(r.in2("%v is in the store, check value %v. Record to be signed: %s.pdf\n", "%v を保管しました。チェック値 %v。署名する記録: %s.pdf\n"), k.ID, k.KCV, kept)
	}
	return r.print(ctx, kept, record, c.paper)
}
