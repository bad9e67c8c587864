// Package profile holds generations of card as data: applications, files,
// sizes, PIN classes, keys, access rules and limits, every entry with where it
// was learnt and how sure that is.
//
// What the public does not know is marked "UNK" and stays unknown. What we chose
// ourselves, above all everything that writes to a card, is marked "ours":
// whoever holds the confidential specification supplies another profile.
package profile

import (
	"bytes"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed data/*.json
var data embed.FS

// Confidence says how sure a fact is.
type Confidence string

// Confirmed by two or more independent sources, from one source, inferred,
// unknown to the public, or our own choice.
const (
	Confirmed Confidence = "C2"
	OneSource Confidence = "S1"
	Inferred  Confidence = "INF"
	Unknown   Confidence = "UNK"
	Ours      Confidence = "ours"
)

// Fact is where an entry comes from; every entry of a profile has one.
type Fact struct {
	Source     string     `json:"source"`     // short names of public sources, listed in Card.Sources
	Confidence Confidence `json:"confidence"` // of the entry as a whole
	Note       string     `json:"note,omitempty"`
}

// Hex is bytes written as hex digits, spaces allowed.
type Hex []byte

// UnmarshalJSON reads a JSON string of hex digits.
func (h *Hex) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("cannot read hex: a string of hex digits is wanted")
	}
	v, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		return fmt.Errorf("cannot read hex: %v", err)
	}
	*h = v
	return nil
}

// MarshalJSON writes upper-case hex digits.
func (h Hex) MarshalJSON() ([]byte, error) { return json.Marshal(h.String()) }

// String is upper-case hex digits.
func (h Hex) String() string { return strings.ToUpper(hex.EncodeToString(h)) }

// FileID is a two-byte file identifier (ISO/IEC 7816-4:2020, 7.4.1).
type FileID uint16

// String is four hex digits.
func (f FileID) String() string { return fmt.Sprintf("%04X", uint16(f)) }

// UnmarshalJSON reads four hex digits.
func (f *FileID) UnmarshalJSON(b []byte) error {
	var h Hex
	if err := h.UnmarshalJSON(b); err != nil {
		return err
	}
	if len(h) != 2 {
		return fmt.Errorf("cannot read file id: it has 4 hex digits")
	}
	*f = FileID(h[0])<<8 | FileID(h[1])
	return nil
}

// MarshalJSON writes four hex digits.
func (f FileID) MarshalJSON() ([]byte, error) { return json.Marshal(f.String()) }

// SFI is the short EF identifier, 1..30, or 0 when the file has none
// (ISO/IEC 7816-4:2020, 7.4.2; on this card every EF 0001..001E is addressable).
func (f FileID) SFI() byte {
	if f >= 1 && f <= 30 {
		return byte(f)
	}
	return 0
}

// Card is one generation.
type Card struct {
	ID           string            `json:"id"`      // "mynumber-1"
	Version      int               `json:"version"` // of this description
	Title        string            `json:"title"`
	Label        string            `json:"label"`   // token label that the generation is told by (PKCS #11 v2.40, CK_TOKEN_INFO.label)
	Sources      map[string]string `json:"sources"` // short name to public source
	Limits       Limits            `json:"limits"`
	ATRs         []ATR             `json:"atrs"`
	Domain       Domain            `json:"issuer_domain"`
	Writing      Writing           `json:"writing"`
	Terms        Terms             `json:"terms"`
	Face         Face              `json:"face"`
	Applications []Application     `json:"applications"`
	Products     []Product         `json:"products"`
}

// Limits are what the card takes at most.
type Limits struct {
	Extended        bool `json:"extended"`         // extended Lc and Le are supported
	CommandData     int  `json:"command_data"`     // bytes of command data in an extended command, secured
	SignatureInput  int  `json:"signature_input"`  // most bytes COMPUTE DIGITAL SIGNATURE takes; of RSA: modulus - 11
	SignatureOutput int  `json:"signature_output"` // most bytes it gives
	Fact
}

// ATR is an answer to reset this generation is known by.
type ATR struct {
	Interface string `json:"interface"` // "contact" or "contactless"
	Bytes     Hex    `json:"bytes"`
	Fact
}

// Domain is the GlobalPlatform issuer security domain.
type Domain struct {
	AID         Hex          `json:"aid"`
	Objects     []DataObject `json:"objects"`     // GET DATA with nothing but the domain selected
	KeyVersion  byte         `json:"key_version"` // of the issuer's own SCP03 keys
	LabVersion  byte         `json:"lab_version"` // of the well-known test keys a laboratory card also has
	Blank       byte         `json:"blank"`       // life-cycle state of a card ready for issue
	Locked      byte         `json:"locked"`      // life-cycle state after issue
	Diversified string       `json:"diversified"` // name of the derivation from the master key
	Files       []File       `json:"files,omitempty"`
	Fact
}

// DataObject is one object of GET DATA.
type DataObject struct {
	Name  string   `json:"name"`
	Tag   FileID   `json:"tag"`             // P1 P2
	Size  int      `json:"size,omitempty"`  // bytes, where it is fixed
	Write []string `json:"write,omitempty"` // "channel": PUT DATA at issue
	Fact
}

// Writing is the side of the card that the public does not know: all of it ours.
type Writing struct {
	SecurityLevel byte   `json:"security_level"` // of SCP03
	StateObject   FileID `json:"state_object"`   // GET DATA tag of the personalisation state
	Fact
}

// Terms are the spans of time that a generation is issued for. Who is a minor and which
// birthdays count is the register's and the same for all.
type Terms struct {
	CertificateBirthdays int `json:"certificate_birthdays"` // birthdays after issue until which a certificate is valid
	RenewalMonths        int `json:"renewal_months"`        // months before the last day, fewer than which open the renewal
	GraceMonths          int `json:"grace_months"`          // months the card is valid beyond its last birthday
	Fact
}

// Face is what is printed on the card.
type Face struct {
	Layout string   `json:"layout"`          // name of the layout that places it
	Needs  []string `json:"needs,omitempty"` // fields of an order's resident that only this generation prints: "name_romaji"
	Fact
}

// FileKind is the structure of an EF (JICSAP's words).
type FileKind string

// A transparent or record working EF, an internal EF that holds a PIN or a key,
// or one whose kind the public does not know.
const (
	Transparent FileKind = "transparent"
	Record      FileKind = "record"
	Internal    FileKind = "internal"
	Opaque      FileKind = "unknown"
)

// Application is one AP (DF) on the card.
type Application struct {
	Name     string      `json:"name"` // "jpki"
	Japanese string      `json:"japanese"`
	AID      Hex         `json:"aid"`
	Files    []File      `json:"files"`
	PINs     []Reference `json:"references"`
	Keys     []Key       `json:"keys"`
	// Messaging is nil where the AP offers no secure messaging of its own.
	Messaging *Messaging `json:"messaging,omitempty"`
	Answers   []Answer   `json:"answers,omitempty"` // the first whose Command matches holds
	Fact
}

// Messaging says that an AP takes a session key (80 AE, JICSAP SET SESSION KEY)
// and then reads and verifies under it.
type Messaging struct {
	Key   string `json:"key"`   // the file that publishes the key session keys are delivered under
	After string `json:"after"` // the reference to be verified in the clear before
	Fact
}

// Answer is what an AP answers to a command whose purpose the public does not
// know, or which it never carries out.
type Answer struct {
	Command Hex `json:"command"` // CLA INS, CLA INS P1 or CLA INS P1 P2
	SW      Hex `json:"sw"`      // SW1 SW2
	Fact
}

// File is one EF.
type File struct {
	Name    string   `json:"name"` // "sign-cert"
	ID      FileID   `json:"id"`
	Kind    FileKind `json:"kind"`
	Content string   `json:"content"`           // what it holds, in words
	Size    int      `json:"size,omitempty"`    // physical size in bytes; 0 unknown or none
	Elastic bool     `json:"elastic,omitempty"` // its end is the end of what was written, at most Size
	Read    []string `json:"read,omitempty"`    // any one suffices: "free", a reference's name, "channel" (until the lock)
	Write   []string `json:"write,omitempty"`   // "channel" or nothing
	Made    bool     `json:"made,omitempty"`    // written by the card's maker, not at issue
	// Recipe is how the content is made, in the words of the issuing program; where it is
	// empty the file's own path says so.
	Recipe string `json:"recipe,omitempty"`
	// Seals is the class of the reference data that the file holds encrypted.
	Seals string `json:"seals,omitempty"`
	Fact
}

// Reference is a PIN or a 照合番号: reference data that VERIFY compares.
type Reference struct {
	Name     string `json:"name"` // "sign-pin"
	Japanese string `json:"japanese"`
	ID       FileID `json:"id"`
	Class    string `json:"class"` // "signature" "authentication" "resident" "text" "reference-a" "reference-b" "reference-6" "birth"; "" for one never set
	MinLen   int    `json:"min_len"`
	MaxLen   int    `json:"max_len"`
	Alphabet string `json:"alphabet"` // "digits" or "upper-alnum"
	Tries    int    `json:"tries"`
	Change   string `json:"change,omitempty"` // "reference-data" (00 24 01), "key" (80 32 00) or nothing
	// Covers are classes of PIN that have no reference of their own on this card: this one
	// serves for them, and is set where one of them would be.
	Covers []string `json:"covers,omitempty"`
	Fact
}

// Key is an asymmetric key inside an AP.
type Key struct {
	Name    string   `json:"name"` // "sign-key"
	ID      FileID   `json:"id"`   // 0000 for an AP's default key without an EF
	Type    string   `json:"type"` // "RSA-2048" or "P-384", see Algorithm
	Use     []string `json:"use"`  // any one suffices: "free", a reference's name, "channel" (until the lock)
	Made    bool     `json:"made,omitempty"`
	Default bool     `json:"default,omitempty"` // 80 2A 00 00 signs with it
	// Authenticate says that INTERNAL AUTHENTICATE, and nothing else, signs with it.
	Authenticate bool `json:"authenticate,omitempty"`
	// Import says that a pair made elsewhere may be brought in (PUT DATA).
	Import bool `json:"import,omitempty"`
	// Certificate is the file of its certificate and Purpose what that is for, "signature"
	// or "authentication"; both empty for a key that gets none.
	Certificate string `json:"certificate,omitempty"`
	Purpose     string `json:"purpose,omitempty"`
	Fact
}

// Product is a variant of the generation.
type Product struct {
	Name     string   `json:"name"` // "standard"
	Japanese string   `json:"japanese"`
	Omit     []string `json:"omit,omitempty"` // "app/object" names that this product never gets
	Photo    bool     `json:"photo"`
	Fact
}

// Load reads the embedded profile of that id.
func Load(id string) (*Card, error) {
	b, err := data.ReadFile("data/" + id + ".json")
	if err != nil {
		return nil, fmt.Errorf("cannot load profile %q: no such profile; there are %s", id, strings.Join(IDs(), ", "))
	}
	return Parse(b)
}

// shared are the profiles Shared has read.
var shared sync.Map

// Shared is Load, done once a process: nobody may change what it gives.
func Shared(id string) (*Card, error) {
	if p, ok := shared.Load(id); ok {
		return p.(*Card), nil
	}
	p, err := Load(id)
	if err == nil {
		shared.Store(id, p)
	}
	return p, err
}

// IDs are the embedded profiles.
func IDs() []string {
	entries, _ := data.ReadDir("data")
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// Parse reads a profile and checks it; unknown fields are refused.
func Parse(b []byte) (*Card, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var c Card
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("cannot parse profile: %v", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("cannot accept profile %q: %w", c.ID, err)
	}
	return &c, nil
}

// App finds an application by name; nil when there is none.
func (c *Card) App(name string) *Application {
	for i := range c.Applications {
		if c.Applications[i].Name == name {
			return &c.Applications[i]
		}
	}
	return nil
}

// AppIndex is the application's number in the personalisation state, 1 the
// first; 0 when there is none of that name.
func (c *Card) AppIndex(name string) int {
	return 1 + slices.IndexFunc(c.Applications, func(a Application) bool { return a.Name == name })
}

// File finds "app/file"; the error names what there is.
func (c *Card) File(path string) (*Application, *File, error) {
	a, name, err := c.split(path)
	if err != nil {
		return nil, nil, err
	}
	for i := range a.Files { // by name first: every command to a card asks
		if a.Files[i].Name == name {
			return a, &a.Files[i], nil
		}
	}
	for i := range a.Files {
		if a.Files[i].ID.String() == strings.ToUpper(name) {
			return a, &a.Files[i], nil
		}
	}
	return nil, nil, fmt.Errorf("cannot find %q in profile %s: no such file in %s", path, c.ID, a.Name)
}

// Reference finds "app/reference".
func (c *Card) Reference(path string) (*Application, *Reference, error) {
	a, name, err := c.split(path)
	if err != nil {
		return nil, nil, err
	}
	for i := range a.PINs {
		if a.PINs[i].Name == name {
			return a, &a.PINs[i], nil
		}
	}
	return nil, nil, fmt.Errorf("cannot find %q in profile %s: no such reference in %s", path, c.ID, a.Name)
}

// Key finds "app/key".
func (c *Card) Key(path string) (*Application, *Key, error) {
	a, name, err := c.split(path)
	if err != nil {
		return nil, nil, err
	}
	for i := range a.Keys {
		if a.Keys[i].Name == name {
			return a, &a.Keys[i], nil
		}
	}
	return nil, nil, fmt.Errorf("cannot find %q in profile %s: no such key in %s", path, c.ID, a.Name)
}

// Object is the GET DATA tag of that name in the issuer domain; ok is false when
// the profile has none.
func (c *Card) Object(name string) (tag FileID, ok bool) {
	for _, o := range c.Domain.Objects {
		if o.Name == name {
			return o.Tag, true
		}
	}
	return 0, false
}

// Product finds a product by name; nil when there is none.
func (c *Card) Product(name string) *Product {
	for i := range c.Products {
		if c.Products[i].Name == name {
			return &c.Products[i]
		}
	}
	return nil
}

// Omits says whether the product never gets the object "app/name".
func (p *Product) Omits(path string) bool { return slices.Contains(p.Omit, path) }

func (c *Card) split(path string) (*Application, string, error) {
	app, name, ok := strings.Cut(path, "/")
	if !ok {
		return nil, "", fmt.Errorf("cannot find %q in profile %s: write AP/NAME", path, c.ID)
	}
	a := c.App(app)
	if a == nil {
		return nil, "", fmt.Errorf("cannot find %q in profile %s: no application %q", path, c.ID, app)
	}
	return a, name, nil
}
