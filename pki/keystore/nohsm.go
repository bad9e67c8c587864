//go:build !cgo || windows

package keystore

// OpenHSM needs C, by which PKCS #11 libraries are called: this program was built
// without, and says so.
func OpenHSM(o HSMOptions) (Store, error) {
	return nil, &Error{Kind: ErrUnable, Wanted: "open " + o.String(), Detail: "this program was built without cgo; build it with CGO_ENABLED=1, on Linux or macOS"}
}
