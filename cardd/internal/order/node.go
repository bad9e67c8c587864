package order

import "jukicard/cardd/juki"

// What a document may measure. The limits are ours: an order has two levels and
// under forty fields.
const (
	sizeDocumentMax = 10 << 20 // bytes: the largest photograph in base64, and room
	sizeTextMax     = 2048     // bytes of any text but the photograph
	depthMax        = 4        // objects in objects
	nodesMax        = 128      // values in all
)

// kind is what a value is.
type kind byte

const (
	kindOther   kind = iota // null, an array, a float …: nothing that an order has
	kindObject              // fields
	kindText                // UTF-8, perhaps broken
	kindBytes               // a CBOR byte string
	kindInteger             // digits in data
	kindBoolean             // truth
)

// node is one value of a document, JSON and CBOR alike. Its data lie in the
// document itself wherever they can, so that who owns the document clears them.
type node struct {
	kind   kind
	data   []byte
	truth  bool
	fields []field
}

// field is one member of an object, in the order of the document.
type field struct {
	name  []byte
	value node
}

// document is what both readers share: the bytes, the place, the limits and the
// copies that had to be made.
type document struct {
	root   string // "order" or "pins": the field of errors about the whole
	b      []byte
	at     int
	depth  int
	nodes  int
	copies [][]byte
}

// enter counts one value and refuses too many.
func (d *document) enter() *juki.InputError {
	if d.nodes++; d.nodes > nodesMax {
		return refuse("ORDER-FIELDS-MANY", d.root, nodesMax)
	}
	return nil
}

// descend counts one level of objects and refuses too many.
func (d *document) descend() *juki.InputError {
	if d.depth++; d.depth > depthMax {
		return refuse("ORDER-DEPTH", d.root, depthMax)
	}
	return nil
}

// clear wipes the copies; the document itself is its owner's.
func (d *document) clear() {
	for _, c := range d.copies {
		clear(c)
	}
}
