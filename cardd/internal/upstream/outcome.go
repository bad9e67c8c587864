package upstream

import (
	"time"

	"jukicard/cardd/internal/journal"
)

// Outcome is how a card ended at this station: what the parties have to hear of
// it. It holds numbers and codes alone.
type Outcome struct {
	Job, Card, Order, Station string
	At                        time.Time
	Certificates              map[string]string // serial number in hex by purpose: "sign", "auth"
	Reason                    string            // a failure code, of a card that was spoiled
}

// purposes are the certificates a card may hold, in the order they are told.
var purposes = []string{"sign", "auth"}

// Issued are the notices of a card that is written, locked and proven: card
// management hears that it is issued, the JPKI which certificates went out on it.
// Append them with the record that ends the job.
func (o Outcome) Issued() ([]journal.Notice, error) {
	return o.notices(Issued, CertificateIssued)
}

// Voided are the notices of a card that must never be used, and of the
// certificates made for it. They follow Issued where the card was told as issued.
func (o Outcome) Voided() ([]journal.Notice, error) {
	return o.notices(Voided, CertificateRevoked)
}

func (o Outcome) notices(card, certificate Kind) ([]journal.Notice, error) {
	facts := map[string]string{}
	if o.Station != "" {
		facts[FactStation] = o.Station
	}
	if o.Reason != "" {
		facts[FactReason] = o.Reason
	}
	first, err := Notice{Key: KeyOf(o.Job, o.Card, card, ""), Card: o.Card, Order: o.Order, Kind: card, At: o.At, Facts: facts}.ForOutbox(Management)
	if err != nil {
		return nil, err
	}
	all := []journal.Notice{first}
	for _, purpose := range purposes {
		serial, ok := o.Certificates[purpose]
		if !ok {
			continue
		}
		about := map[string]string{FactPurpose: purpose, FactSerial: serial}
		if o.Reason != "" {
			about[FactReason] = o.Reason
		}
		n, err := Notice{Key: KeyOf(o.Job, o.Card, certificate, purpose), Card: o.Card, Order: o.Order, Kind: certificate, At: o.At, Facts: about}.ForOutbox(JPKI)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}
