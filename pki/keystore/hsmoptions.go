package keystore

import (
	"encoding/hex"
	"fmt"
	"strings"

	"jukicard/apdu/secret"
)

// HSMOptions say which token of which module holds the keys, and what unlocks it.
type HSMOptions struct {
	Module string       // path of the PKCS #11 library
	Token  string       // label of the token in it
	PIN    secret.Bytes // the user's; kept, for a module that comes back, until Close
}

func (o HSMOptions) check() error {
	switch {
	case o.Module == "":
		return fmt.Errorf("cannot open hardware module: no PKCS #11 library is named")
	case o.Token == "":
		return fmt.Errorf("cannot open hardware module: no token is named")
	case o.PIN.Len() == 0:
		return fmt.Errorf("cannot open hardware module: there is no PIN")
	}
	return nil
}

// String shows the place and nothing secret.
func (o HSMOptions) String() string { return fmt.Sprintf("token %q of %s", o.Token, o.Module) }

// objectID is the CKA_ID of a key, readable in other programs too: "master 30",
// "transport LABEL", "signing LABEL".
func (id ID) objectID() string {
	if id.Use == Master {
		return fmt.Sprintf("%v %02X", id.Use, id.Version)
	}
	return fmt.Sprintf("%v %s", id.Use, id.Label)
}

// parseObjectID undoes objectID; false for a key that is none of ours. A master's label
// stands beside its ID.
func parseObjectID(object, label string) (id ID, ok bool) {
	use, rest, _ := strings.Cut(object, " ")
	switch use {
	case Master.String():
		b, err := hex.DecodeString(rest)
		if err != nil || len(b) != 1 {
			return id, false
		}
		id = ID{Use: Master, Version: b[0], Label: label}
	case Transport.String():
		id = ID{Use: Transport, Label: rest}
	case Signing.String():
		id = ID{Use: Signing, Label: rest}
	}
	return id, id.Check() == nil && id.objectID() == object
}
