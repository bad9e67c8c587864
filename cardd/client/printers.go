package client

import (
	"context"
	"net/http"
	"net/url"
)

// Printer is a configured card printer and what it said of itself.
type Printer struct {
	Name    string `json:"name"`    // also that of its station
	Kind    string `json:"kind"`    // of driver
	Address string `json:"address"` // as it is configured
	Station string `json:"station"` // where in it the reader is: contact or contactless
	Reader  string `json:"reader"`

	Maker    string `json:"maker,omitempty"`
	Model    string `json:"model,omitempty"`
	Serial   string `json:"serial,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	DPI      int    `json:"dpi,omitempty"`

	Position string    `json:"position,omitempty"` // of the card inside; hopper when there is none
	Printed  uint64    `json:"cards_printed"`      // ever
	Supplies []Supply  `json:"supplies,omitempty"`
	Warnings []string  `json:"warnings,omitempty"` // supplies that will soon run out
	Faults   []Trouble `json:"faults,omitempty"`
	Error    *Message  `json:"error,omitempty"` // why it could not be asked
}

// Supply is ribbon, film, cards or cleaning.
type Supply struct {
	Name      string `json:"name"`
	Kind      string `json:"kind,omitempty"`
	Remaining int    `json:"remaining"` // cards; -1 where the printer does not count
	Capacity  int    `json:"capacity"`  // cards; -1 where it is not known
}

// Trouble is a condition that a printer reports.
type Trouble struct {
	Code string `json:"code"` // the device's own
	Kind string `json:"kind"` // wait, operator, jam, restarted, broken or refused
	Text string `json:"text"`
}

// Message is a failure inside an answer that is none.
type Message struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Printers lists the configured card printers with what each says of itself.
func (c *Client) Printers(ctx context.Context) ([]Printer, error) {
	var out []Printer
	return out, c.get(ctx, "/v1/printers", &out)
}

// Printer gives one.
func (c *Client) Printer(ctx context.Context, name string) (*Printer, error) {
	var out Printer
	return &out, c.get(ctx, "/v1/printers/"+url.PathEscape(name), &out)
}

// Maintain has a printer without a card inside print its own test card ("test-card") or
// clean itself ("clean"), or tells it that a person has looked and no card is inside any
// more ("emptied").
func (c *Client) Maintain(ctx context.Context, name, what string) (*Printer, error) {
	var out Printer
	return &out, c.call(ctx, http.MethodPost, "/v1/printers/"+url.PathEscape(name)+"/"+what, nil, &out)
}

// At is the same client for orders at a station of that name, a printer with a reader in
// it; empty is the desk.
func (c *Client) At(station string) *Client {
	at := *c
	at.station = station
	return &at
}
