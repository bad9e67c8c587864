package plan

import "jukicard/apdu/profile"

// Timing predicts how long a plan takes (physics sheet, part 4). Its numbers are
// published or computed from published ones; a real card and reader differ.
type Timing struct {
	BytesPerSecond float64 // payload of the link, both ways
	PerAPDU        float64 // seconds a reader adds to each round trip
	PerPage        float64 // seconds to write one page of EEPROM
	Page           int     // bytes of a page
	Generate       float64 // seconds to make an RSA-2048 key
	Sign           float64 // seconds to sign with one
	Handling       float64 // seconds to put the card in and take it out
}

// Contact is a contact reader at 115.2 kbit/s (T=1: 11 etu a byte) with 16 ms a
// round trip, pages of 64 bytes in 5 ms, and the median card of the published
// measurements: 12 s to make a key, 0.2 s to sign.
var Contact = Timing{BytesPerSecond: 115200 / 11.0, PerAPDU: 0.016, PerPage: 0.005, Page: 64, Generate: 12, Sign: 0.2, Handling: 4}

// Seconds is the predicted duration of a plan.
func (t Timing) Seconds(p *Plan) float64 {
	sum := t.Handling
	t = t.on(p.Profile)
	for _, s := range p.Steps {
		sum += t.step(s)
	}
	return sum
}

// on is the timing of a card whose holder's keys are of another kind than RSA-2048; that of
// a profile nobody knows is taken to be the same.
func (t Timing) on(id string) Timing {
	p, err := profile.Shared(id)
	if err != nil {
		return t
	}
	for _, a := range p.Applications {
		for _, k := range a.Keys {
			if k.Certificate != "" {
				t.Generate, t.Sign = t.Generate*k.Algorithm().Make, t.Sign*k.Algorithm().Sign
				return t
			}
		}
	}
	return t
}

func (t Timing) step(s Step) float64 {
	seconds := float64(s.Cost.Sent+s.Cost.Received)/t.BytesPerSecond + float64(s.Cost.APDUs)*t.PerAPDU
	switch s.Op {
	case Update, Put, SetPIN:
		pages := (s.Length - s.Offset + t.Page - 1) / t.Page
		seconds += float64(pages) * t.PerPage
	case Generate:
		seconds += t.Generate
	case Request:
		seconds += t.Sign
	}
	return seconds
}
