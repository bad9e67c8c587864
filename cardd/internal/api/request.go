package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/fxamacker/cbor/v2"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/order"
)

const typeCBOR = "application/cbor"

// orderInput takes the body as it is: orders and PINs are read by package order,
// strictly, and never become printable values.
type orderInput struct {
	ContentType string `header:"Content-Type" required:"false" doc:"application/json or application/cbor"`
	RawBody     []byte
}

// orderOperation describes an operation whose body is an order of at most that
// many bytes.
func orderOperation(id, path, text string, most int64) huma.Operation {
	media := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, Description: "see the README: order.json"}}
	return huma.Operation{
		OperationID: id, Method: http.MethodPost, Path: path, Summary: text, SkipValidateBody: true,
		MaxBodyBytes: most,
		RequestBody:  &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": media, typeCBOR: media}},
	}
}

func isCBOR(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == typeCBOR
}

// readOrder reads an order under these checks and gives it with its bytes.
func readOrder(b []byte, contentType string, checks order.Checks) (*order.Order, []byte, error) {
	parse := order.Parse
	if isCBOR(contentType) {
		parse = order.ParseCBOR
	}
	o, err := parse(b, nil, checks)
	return o, b, err
}

// issueRequest is an order with the PINs and a wish.
type issueRequest struct {
	order, pins []byte
	lab         bool
	station     string // where; empty for the desk
	contentType string
}

// clear wipes order and PINs, which are copies of the body's.
func (r *issueRequest) clear() {
	clear(r.order)
	clear(r.pins)
}

// parseIssue takes the envelope apart and leaves order and PINs as they are.
func parseIssue(b []byte, contentType string) (*issueRequest, error) {
	r := &issueRequest{contentType: contentType}
	if isCBOR(contentType) {
		var e struct {
			Order   cbor.RawMessage `cbor:"order"`
			PINs    cbor.RawMessage `cbor:"pins"`
			Lab     bool            `cbor:"lab"`
			Station string          `cbor:"station"`
		}
		if err := decMode.Unmarshal(b, &e); err != nil {
			return nil, failure.New(failure.APIRequest, "the body is not a CBOR map of order, pins, lab and station", nil)
		}
		r.order, r.pins, r.lab, r.station = e.Order, e.PINs, e.Lab, e.Station
		return r, nil
	}
	if err := r.readJSON(json.NewDecoder(bytes.NewReader(b))); err != nil {
		return nil, failure.New(failure.APIRequest, "the body is not a JSON object of order, pins, lab and station, each once", nil)
	}
	return r, nil
}

// errEnvelope stops the reading of a body; what is wrong with it is not told, for that
// might quote it.
var errEnvelope = errors.New("cannot read the body")

// readJSON takes an object of exactly these names, each once, and nothing behind it:
// encoding/json alone would take the last of two orders, and one called ORDER.
func (r *issueRequest) readJSON(d *json.Decoder) error {
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errEnvelope
	}
	to := map[string]any{"order": (*json.RawMessage)(&r.order), "pins": (*json.RawMessage)(&r.pins), "lab": &r.lab, "station": &r.station}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errEnvelope
		}
		field, known := to[name.(string)]
		if !known || d.Decode(field) != nil {
			return errEnvelope
		}
		delete(to, name.(string))
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return errEnvelope
	}
	if _, err := d.Token(); err != io.EOF {
		return errEnvelope
	}
	return nil
}

// parsePINs reads the PINs; none is no PIN at all.
func (r *issueRequest) parsePINs() (order.PINs, error) {
	switch {
	case len(r.pins) == 0:
		return order.PINs{}, nil
	case isCBOR(r.contentType):
		return order.ParsePINsCBOR(r.pins)
	}
	return order.ParsePINs(r.pins)
}

// decMode bounds CBOR and refuses a key that stands twice; huma's own takes both.
var decMode = must(cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 16, MaxArrayElements: 1024, MaxMapPairs: 256,
}.DecMode())

var encMode = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return v
}

// formats are JSON and CBOR under our own bounds.
func formats() map[string]huma.Format {
	c := huma.Format{
		Marshal:   func(w io.Writer, v any) error { return encMode.NewEncoder(w).Encode(v) },
		Unmarshal: decMode.Unmarshal,
	}
	return map[string]huma.Format{
		"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat, typeCBOR: c, "cbor": c,
	}
}
