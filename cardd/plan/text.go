package plan

import (
	"fmt"
	"strings"
)

// Text is the plan for people: a line a step with its cost, what cannot be undone
// marked, then the sum, the predicted duration and the digest. It has the form of a
// table and ends with a newline.
func (p *Plan) Text(t Timing) string {
	var b strings.Builder
	card, length := p.Card, "short"
	if card == "" {
		card = "not seen; planned for a blank one"
	}
	if p.Extended {
		length = "extended"
	}
	fmt.Fprintf(&b, "order    %s\ncard     %s\nproduct  %s of %s\nlength   %s\n\n", p.Order, card, p.Product, p.Profile, length)
	fmt.Fprintf(&b, "  no  step                                 apdus   sent  received\n")
	irreversible := 0
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%4d  %-35s %6d %6d %9d%s\n", i+1, s.ID, s.Cost.APDUs, s.Cost.Sent, s.Cost.Received, s.remark())
		if s.Irreversible {
			irreversible++
		}
	}
	c := p.Cost()
	fmt.Fprintf(&b, "\n%d steps, %d irreversible; %d APDUs, %d bytes sent, %d received; about %.0f s\n", len(p.Steps), irreversible, c.APDUs, c.Sent, c.Received, t.Seconds(p))
	fmt.Fprintf(&b, "digest   %s\n", p.Digest())
	return b.String()
}

// remark is what a line says beyond its numbers.
func (s Step) remark() string {
	var words []string
	if s.Op == Update || s.Op == Put {
		words = append(words, fmt.Sprintf("bytes %d to %d", s.Offset, s.Length))
	}
	if s.From != "" {
		words = append(words, "from "+s.From)
	}
	if s.Secret != "" {
		words = append(words, "of "+s.Secret)
	}
	if s.Irreversible {
		words = append(words, "irreversible")
	}
	if len(words) == 0 {
		return ""
	}
	return "  " + strings.Join(words, ", ")
}
