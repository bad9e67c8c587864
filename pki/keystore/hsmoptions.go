package keystore

import (
	"fmt"
	"strconv"
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

// objectID is the CKA_ID of a key, readable in other programs too: "master 256 30",
// "transport 128 LABEL", "signing LABEL". It holds an AES key's bits because not every
// module knows the length of a key that it unwrapped (SoftHSM 2.6.1 gives 0).
func (id ID) objectID(bits int) string {
	switch id.Use {
	case Master:
		return fmt.Sprintf("%v %d %02X", id.Use, bits, id.Version)
	case Transport:
		return fmt.Sprintf("%v %d %s", id.Use, bits, id.Label)
	}
	return fmt.Sprintf("%v %s", id.Use, id.Label)
}

// parseObjectID undoes objectID; false for a key that is none of ours. A master's label
// stands beside its ID.
func parseObjectID(object, label string) (id ID, bits int, ok bool) {
	use, rest, _ := strings.Cut(object, " ")
	id = ID{Use: Signing, Label: rest}
	if use != Signing.String() {
		size, name, _ := strings.Cut(rest, " ")
		bits, _ = strconv.Atoi(size)
		id = ID{Use: Transport, Label: name}
		if use == Master.String() {
			version, err := strconv.ParseUint(name, 16, 8)
			if err != nil {
				return id, 0, false
			}
			id = ID{Use: Master, Version: byte(version), Label: label}
		}
	}
	aes := id.Use == Signing || bits%8 == 0 && checkSize(bits/8) == nil
	return id, bits, aes && id.Check() == nil && id.objectID(bits) == object
}
