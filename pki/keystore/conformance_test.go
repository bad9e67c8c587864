package keystore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/apdu/tlv"
	"jukicard/simulator"
)

// whole is a store with everything it may be able to do: both can do all.
type whole interface {
	Store
	Keeper
	Unwrapper
	Signers
}

// rig is one kind of store under test.
type rig struct {
	name string
	// open makes an empty store; again opens the same once more.
	open func(t *testing.T) (s whole, again func() whole)
	// static puts static keys themselves into the store, which nobody but a test can.
	static func(t *testing.T, s whole, keys scp03.StaticKeys) CardKeys
}

// rigs are the stores that this build has: see also hsm_test.go.
var rigs = []rig{{
	name: "file",
	open: func(t *testing.T) (whole, func() whole) {
		path := filepath.Join(t.TempDir(), "keys")
		u := Unlock{kind: byCredential, secret: secret.New(bytes.Repeat([]byte{0x11}, 32))}
		f, err := CreateFile(path, u)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f, func() whole {
			f, err := OpenFile(path, u)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			return f
		}
	},
	static: func(_ *testing.T, s whole, keys scp03.StaticKeys) CardKeys {
		return &fileCard{store: s.(*File), keys: keys}
	},
}}

// suite is what every store must do, a row each.
var suite = []struct {
	name string
	test func(t *testing.T, r rig)
}{
	{"card keys are those of scp03.Diversify", testDiversified},
	{"recorded SCP03 sessions come out alike", testRecorded},
	{"derivations by NIST SP 800-108 come out alike", testDerivations},
	{"a card's keys are changed and nothing is shown", testSuccessor},
	{"keys are listed with check values", testList},
	{"what was made is there when the store is opened again", testAgain},
	{"wrong names, sizes and twice are refused", testRefusals},
	{"wrapped keys are taken in", testUnwrap},
	{"a wrapped key with another check value leaves nothing", testUnwrapOther},
	{"signing keys sign", testSigners},
	{"several cards at once", testAtOnce},
	{"closed is closed", testClosed},
}

func TestStores(t *testing.T) {
	for _, r := range rigs {
		t.Run(r.name, func(t *testing.T) {
			for _, row := range suite {
				t.Run(row.name, func(t *testing.T) { row.test(t, r) })
			}
		})
	}
}

var (
	kddA = [10]byte{0x09, 0x99, 0x12, 0x43, 0x05, 0x85, 0x51, 0x31}
	kddB = [10]byte{0x09, 0x99, 0x12, 0x43, 0x05, 0x85, 0x51, 0x32}
)

// masters are keys to import, by version.
func masters() map[byte]secret.Bytes {
	return map[byte]secret.Bytes{
		0x30: secret.New(bytes.Repeat([]byte{0x5C, 0x01}, 8)),
		0x31: secret.New(bytes.Repeat([]byte{0x5C, 0x02}, 12)),
		0x32: secret.New(bytes.Repeat([]byte{0x5C, 0x03}, 16)),
	}
}

func master(v byte) ID { return ID{Use: Master, Version: v, Label: "issuer domain"} }

func importMasters(t testing.TB, s Keeper) {
	t.Helper()
	for v, key := range masters() {
		if _, err := s.Import(t.Context(), master(v), key); err != nil {
			t.Fatal(err)
		}
	}
}

func cardOf(t testing.TB, s Store, v byte, kdd [10]byte) CardKeys {
	t.Helper()
	k, err := s.Card(t.Context(), v, kdd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func testDiversified(t *testing.T, r rig) {
	s, _ := r.open(t)
	importMasters(t, s)
	for v, key := range masters() {
		for _, kdd := range [][10]byte{kddA, kddB} {
			want, err := scp03.Diversify(key, kdd)
			if err != nil {
				t.Fatal(err)
			}
			sameKeys(t, cardOf(t, s, v, kdd), want)
		}
	}
}

// sameKeys compares two key sets by what they do.
func sameKeys(t *testing.T, got scp03.Keys, want scp03.Keys) {
	t.Helper()
	if got.Size() != want.Size() {
		t.Errorf("%d bytes, want %d", got.Size(), want.Size())
	}
	for _, usage := range []scp03.Usage{scp03.ENC, scp03.MAC} {
		for _, n := range []int{1, 16, 32, 48} {
			data := bytes.Repeat([]byte{byte(n)}, n)
			a, err := got.CMAC(t.Context(), usage, data)
			b, _ := want.CMAC(t.Context(), usage, data)
			if err != nil || a != b {
				t.Errorf("%v of %d bytes: %X, want %X: %v", usage, n, a, b, err)
			}
		}
	}
	for _, n := range []int{16, 32, 48} {
		data := bytes.Repeat([]byte{byte(n)}, n)
		a, err := got.Wrap(t.Context(), data)
		b, _ := want.Wrap(t.Context(), data)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("wrapping %d bytes: %X, want %X: %v", n, a, b, err)
		}
	}
	if _, err := got.Wrap(t.Context(), make([]byte, 15)); err == nil {
		t.Error("15 bytes were wrapped")
	}
}

// newCard is a simulated card whose issuer set follows from the master.
func newCard(t testing.TB, key secret.Bytes) *simulator.Card {
	t.Helper()
	c, err := simulator.NewBlank(simulator.Options{Master: key, KeyPool: poolKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var pool = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func poolKey() *rsa.PrivateKey { return pool() }

// line is a card on a line.
type line struct{ *simulator.Card }

func (l line) Transmit(_ context.Context, command []byte) ([]byte, error) {
	return bytes.Clone(l.Process(command)), nil
}

// openSession opens the channel with keys from the store and keeps the keys.
func openSession(t testing.TB, s Store, l line, version byte) (*scp03.Session, CardKeys, error) {
	t.Helper()
	l.Reset()
	var kept CardKeys
	find := func(ctx context.Context, v byte, kdd [10]byte) (scp03.Keys, error) {
		k, err := s.Card(ctx, v, kdd)
		if err != nil {
			return nil, err
		}
		kept = k
		return k, nil
	}
	ch, err := scp03.Open(t.Context(), l, scp03.Config{Find: find, KeyVersion: version, Level: scp03.LevelFull})
	return ch, kept, err
}

// testSuccessor changes keys 128 → 192 → 256 → 128 bits on a card, each time proving
// the new set before the old one goes.
func testSuccessor(t *testing.T, r rig) {
	s, _ := r.open(t)
	importMasters(t, s)
	if _, err := s.Generate(t.Context(), master(0x33), 16); err != nil {
		t.Fatal(err)
	}
	l := line{newCard(t, masters()[0x30])}
	for from := byte(0x30); from < 0x33; from++ {
		to := from + 1
		ch, keys, err := openSession(t, s, l, from)
		if err != nil {
			t.Fatal(err)
		}
		wrapped, err := keys.(Successor).Successor(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if err := ch.PutWrappedKeys(t.Context(), 0, to, wrapped); err != nil {
			t.Fatal(err)
		}
		ch.Close()
		if keys.Size() != 0 {
			t.Error("the session did not close its keys")
		}
		ch, _, err = openSession(t, s, l, to)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := ch.Transmit(t.Context(), append([]byte{0x80, 0xE4, 0x00, 0x00, 3}, tlv.Append(nil, 0xD2, []byte{from})...))
		if err != nil || !bytes.Equal(answer, []byte{0x00, 0x90, 0x00}) {
			t.Errorf("DELETE of %02X: %X, %v", from, answer, err)
		}
		ch.Close()
	}
	if _, err := cardOf(t, s, 0x33, kddA).(Successor).Successor(t.Context(), 0x40); !errors.Is(err, ErrNoKey) {
		t.Errorf("a successor without a master: %v", err)
	}
}

func testList(t *testing.T, r rig) {
	s, _ := r.open(t)
	if keys, err := s.List(t.Context()); err != nil || len(keys) != 0 {
		t.Fatalf("%v, %v", keys, err)
	}
	importMasters(t, s)
	made, err := s.Generate(t.Context(), ID{Use: Transport, Label: "from the ministry"}, 32)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.GenerateSigner(t.Context(), "signature-ca", P384)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.List(t.Context())
	if err != nil || len(keys) != 5 {
		t.Fatalf("%v, %v", keys, err)
	}
	for i, v := range []byte{0x30, 0x31, 0x32} {
		kcv, err := KCVOf(masters()[v])
		if err != nil || keys[i].ID != master(v) || keys[i].Bits != 8*masters()[v].Len() || keys[i].KCV != kcv {
			t.Errorf("%+v, want %v", keys[i], kcv)
		}
	}
	if keys[3] != made || made.KCV == (KCV{}) || made.Bits != 256 {
		t.Errorf("%+v, made %+v", keys[3], made)
	}
	if keys[4].Label != "signature-ca" || keys[4].Bits != 384 || !signer.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(keys[4].Public) {
		t.Errorf("%+v", keys[4])
	}
	for _, k := range keys {
		if err := s.Destroy(t.Context(), k.ID); err != nil {
			t.Error(err)
		}
		if err := s.Destroy(t.Context(), k.ID); !errors.Is(err, ErrNoKey) {
			t.Errorf("%v destroyed twice: %v", k.ID, err)
		}
	}
	if keys, err := s.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
}

func testAgain(t *testing.T, r rig) {
	s, again := r.open(t)
	made, err := s.Generate(t.Context(), master(0x44), 24)
	if err != nil {
		t.Fatal(err)
	}
	before, err := cardOf(t, s, 0x44, kddA).CMAC(t.Context(), scp03.MAC, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []whole{again(), again()} { // a second store beside the first one too
		keys, err := other.List(t.Context())
		if err != nil || len(keys) == 0 || keys[0] != made {
			t.Fatalf("%v, %v", keys, err)
		}
		after, err := cardOf(t, other, 0x44, kddA).CMAC(t.Context(), scp03.MAC, []byte("x"))
		if err != nil || before != after {
			t.Errorf("%X, before %X: %v", after, before, err)
		}
		if _, err := other.Generate(t.Context(), master(0x45), 16); err != nil && !errors.Is(err, ErrExists) {
			t.Error(err)
		}
	}
	if _, err := s.Card(t.Context(), 0x45, kddA); err != nil {
		t.Errorf("what another made is not seen: %v", err)
	}
}

func testRefusals(t *testing.T, r rig) {
	s, _ := r.open(t)
	importMasters(t, s)
	sixteen := masters()[0x30]
	for name, f := range map[string]func() error{
		"version 0":  func() error { _, err := s.Generate(t.Context(), master(0), 16); return err },
		"version 80": func() error { _, err := s.Generate(t.Context(), master(0x80), 16); return err },
		"17 bytes":   func() error { _, err := s.Generate(t.Context(), master(1), 17); return err },
		"no bytes":   func() error { _, err := s.Import(t.Context(), master(1), secret.Bytes{}); return err },
		"a long label": func() error {
			_, err := s.Generate(t.Context(), ID{Use: Transport, Label: string(make([]byte, 65))}, 16)
			return err
		},
		"a label in kanji": func() error { _, err := s.Generate(t.Context(), ID{Use: Transport, Label: "鍵"}, 16); return err },
		"a versioned label": func() error {
			_, err := s.Generate(t.Context(), ID{Use: Transport, Version: 1, Label: "a"}, 16)
			return err
		},
		"no use":             func() error { _, err := s.Generate(t.Context(), ID{Label: "a"}, 16); return err },
		"AES to sign with":   func() error { _, err := s.Import(t.Context(), ID{Use: Signing, Label: "a"}, sixteen); return err },
		"RSA-1024":           func() error { _, err := s.GenerateSigner(t.Context(), "a", "RSA-1024"); return err },
		"a signer unlabeled": func() error { _, err := s.GenerateSigner(t.Context(), "", P384); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := s.GenerateSigner(t.Context(), "twice", P384); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"generated":          func() error { _, err := s.Generate(t.Context(), master(0x30), 16); return err },
		"under another name": func() error { _, err := s.Import(t.Context(), ID{Master, 0x30, "other"}, sixteen); return err },
		"a signer":           func() error { _, err := s.GenerateSigner(t.Context(), "twice", P384); return err },
	} {
		if err := f(); !errors.Is(err, ErrExists) {
			t.Errorf("%s twice: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"a card":   errOf(s.Card(t.Context(), 0x40, kddA)),
		"a signer": errOf(s.Signer(t.Context(), "nobody")),
		"destroy":  s.Destroy(t.Context(), ID{Use: Transport, Label: "nobody"}),
	} {
		var e *Error
		if !errors.Is(err, ErrNoKey) || !errors.As(err, &e) || e.Wanted == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := errOf(s.Card(ended, 0x30, kddA)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	if _, err := cardOf(t, s, 0x30, kddA).CMAC(ended, scp03.ENC, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

func errOf[T any](_ T, err error) error { return err }

// wrap is AES Key Wrap (RFC 3394, 2.2.1) or CBC, written down once more.
func wrap(t testing.TB, transport, key secret.Bytes, m Method) Wrapped {
	t.Helper()
	w := Wrapped{Method: m, Size: key.Len()}
	_ = transport.Lend(func(k []byte) error {
		block, err := aes.NewCipher(k)
		if err != nil {
			t.Fatal(err)
		}
		return key.Lend(func(b []byte) error {
			plain := bytes.Clone(b)
			if m == CBC {
				w.IV = bytes.Repeat([]byte{0x77}, 16)
				plain = append(plain, make([]byte, -len(plain)&15)...)
				w.Data = make([]byte, len(plain))
				cipher.NewCBCEncrypter(block, w.IV).CryptBlocks(w.Data, plain)
				return nil
			}
			w.Data = keyWrap(block, plain)
			return nil
		})
	})
	return w
}

func keyWrap(block cipher.Block, plain []byte) []byte {
	n, a := len(plain)/8, uint64(0xA6A6A6A6A6A6A6A6)
	for j := range 6 {
		for i := range n {
			b := append(binary.BigEndian.AppendUint64(nil, a), plain[8*i:8*i+8]...)
			block.Encrypt(b, b)
			a = binary.BigEndian.Uint64(b) ^ uint64(n*j+i+1)
			copy(plain[8*i:], b[8:])
		}
	}
	return append(binary.BigEndian.AppendUint64(nil, a), plain...)
}

func testUnwrap(t *testing.T, r rig) {
	s, _ := r.open(t)
	transport := secret.New(bytes.Repeat([]byte{0x99, 0x12}, 16))
	if _, err := s.Import(t.Context(), ID{Use: Transport, Label: "post"}, transport); err != nil {
		t.Fatal(err)
	}
	version := byte(1)
	for _, m := range []Method{KeyWrap, CBC} {
		for _, key := range masters() {
			kcv, _ := KCVOf(key)
			got, err := s.Unwrap(t.Context(), master(version), "post", wrap(t, transport, key, m), kcv)
			if m == CBC && r.name == "hsm" && errors.Is(err, ErrUnable) {
				continue // SoftHSM 2.6.1 unwraps by AES Key Wrap alone, and says so
			}
			if err != nil || got.KCV != kcv || got.Bits != 8*key.Len() {
				t.Errorf("%d bytes by %s: %v, %v", key.Len(), m, got, err)
				continue
			}
			want, _ := scp03.Diversify(key, kddA)
			sameKeys(t, cardOf(t, s, version, kddA), want)
			version++
		}
	}
}

func testUnwrapOther(t *testing.T, r rig) {
	s, _ := r.open(t)
	transport := secret.New(bytes.Repeat([]byte{0x99, 0x12}, 16))
	if _, err := s.Import(t.Context(), ID{Use: Transport, Label: "post"}, transport); err != nil {
		t.Fatal(err)
	}
	key := masters()[0x30]
	kcv, _ := KCVOf(key)
	other := kcv
	other[0]++
	flipped := wrap(t, transport, key, KeyWrap)
	flipped.Data[3] ^= 1
	for name, row := range map[string]struct {
		w    Wrapped
		want KCV
	}{
		"another value by key wrap": {wrap(t, transport, key, KeyWrap), other},
		"another value by CBC":      {wrap(t, transport, key, CBC), other},
		"changed data":              {flipped, kcv},
	} {
		_, err := s.Unwrap(t.Context(), master(0x30), "post", row.w, row.want)
		if unable := row.w.Method == CBC && r.name == "hsm" && errors.Is(err, ErrUnable); !unable && !errors.Is(err, ErrCheckValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := wrap(t, transport, key, CBC)
	short.Data = short.Data[:15]
	bare := wrap(t, transport, key, CBC)
	bare.IV = nil
	for name, w := range map[string]Wrapped{"short": short, "no initial value": bare, "no method": {Size: 16}, "a size": {Method: CBC, Size: 8}} {
		if _, err := s.Unwrap(t.Context(), master(0x30), "post", w, kcv); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := s.Unwrap(t.Context(), master(0x30), "nobody", wrap(t, transport, key, CBC), kcv); !errors.Is(err, ErrNoKey) {
		t.Errorf("no transport key: %v", err)
	}
	if keys, err := s.List(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("something was kept: %v, %v", keys, err)
	}
}

func testSigners(t *testing.T, r rig) {
	s, _ := r.open(t)
	for _, a := range []Algorithm{RSA2048, P384} {
		made, err := s.GenerateSigner(t.Context(), string(a), a)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Signer(t.Context(), string(a))
		if err != nil || !found.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(made.Public()) {
			t.Fatalf("%v, %v", found, err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, template, template, found.Public(), found)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil || cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
			t.Errorf("%s: %v", a, err)
		}
		digest := sha512.Sum512([]byte("text"))
		if _, err := found.Sign(rand.Reader, digest[:], crypto.SHA512); err != nil {
			t.Errorf("%s with SHA-512: %v", a, err)
		}
		if _, err := found.Sign(rand.Reader, digest[:], crypto.SHA256); err == nil {
			t.Errorf("%s took a digest of another length", a)
		}
		if out := fmt.Sprintf("%v %+v %#v", found, found, s); bytes.Contains([]byte(out), []byte("314159")) {
			t.Error("the store prints its PIN")
		}
	}
	testBareRSA(t, s)
}

// testBareRSA signs a DigestInfo as it stands, as the sealing of a card's face data
// wants it, with a digest that no hash has.
func testBareRSA(t *testing.T, s Signers) {
	k, err := s.Signer(t.Context(), string(RSA2048))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 115, 245} {
		info := bytes.Repeat([]byte{0x30}, n)
		sig, err := k.Sign(nil, info, crypto.Hash(0))
		if err != nil || rsa.VerifyPKCS1v15(k.Public().(*rsa.PublicKey), 0, info, sig) != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	digest := sha256.Sum256(nil)
	for name, row := range map[string]struct {
		data []byte
		opts crypto.SignerOpts
	}{
		"246 bytes": {make([]byte, 246), crypto.Hash(0)},
		"nothing":   {nil, crypto.Hash(0)},
		"PSS":       {digest[:], &rsa.PSSOptions{Hash: crypto.SHA256}},
	} {
		if _, err := k.Sign(rand.Reader, row.data, row.opts); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
}

func testAtOnce(t *testing.T, r rig) {
	s, _ := r.open(t)
	importMasters(t, s)
	want, _ := scp03.Diversify(masters()[0x31], kddA)
	mac, _ := want.CMAC(t.Context(), scp03.ENC, []byte("x"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				k, err := s.Card(t.Context(), 0x31, kddA)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := k.CMAC(t.Context(), scp03.ENC, []byte("x"))
				if err := errors.Join(err, k.Close(), k.Close()); err != nil || got != mac {
					t.Errorf("%X, want %X: %v", got, mac, err)
				}
			}
			if keys, err := s.List(t.Context()); err != nil || len(keys) != 3 {
				t.Errorf("%v, %v", keys, err)
			}
		})
	}
	all.Wait()
}

func testClosed(t *testing.T, r rig) {
	s, _ := r.open(t)
	importMasters(t, s)
	k, err := s.Card(t.Context(), 0x30, kddA)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil || k.Size() != 0 {
		t.Errorf("%d, %v", k.Size(), err)
	}
	for name, err := range map[string]error{
		"a MAC": errOf(k.CMAC(t.Context(), scp03.ENC, []byte("x"))), "wrapping": errOf(k.Wrap(t.Context(), make([]byte, 16))),
		"a successor": errOf(k.(Successor).Successor(t.Context(), 0x31)),
	} {
		if !errors.Is(err, ErrGone) {
			t.Errorf("%s by closed keys: %v", name, err)
		}
	}
	signer, err := s.GenerateSigner(t.Context(), "a", P384)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := s.GenerateSigner(t.Context(), "b", P384)
	if err := errors.Join(err, s.Destroy(t.Context(), ID{Use: Signing, Label: "b"})); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(nil)
	if _, err := lost.Sign(rand.Reader, digest[:], crypto.SHA256); !errors.Is(err, ErrNoKey) {
		t.Errorf("a destroyed key signs: %v", err)
	}
	open, err := s.Card(t.Context(), 0x30, kddA)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := open.CMAC(t.Context(), scp03.ENC, []byte("x")); !errors.Is(err, ErrGone) {
		t.Errorf("keys outlive their store: %v", err)
	}
	if _, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256); !errors.Is(err, ErrGone) {
		t.Errorf("a signing key outlives its store: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
	errs := []error{errOf(s.Card(t.Context(), 0x30, kddA)), errOf(s.List(t.Context())), errOf(s.Generate(t.Context(), master(1), 16))}
	if slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, ErrGone) }) {
		t.Errorf("a closed store: %v", errs)
	}
}
