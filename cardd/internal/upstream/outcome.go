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
	card, err := o.card(Issued)
	if err != nil {
		return nil, err
	}
	certificates, err := o.certificates(CertificateIssued)
	return append(card, certificates...), err
}

// Voided is the notice of a card that must never be used. It follows Issued where the
// card was told as issued.
func (o Outcome) Voided() ([]journal.Notice, error) { return o.card(Voided) }

// Destroyed is the notice that two persons saw a void card destroyed.
func (o Outcome) Destroyed() ([]journal.Notice, error) { return o.card(Destroyed) }

// Revoked are the notices of certificates that were taken back, which is when they are
// told and not before: until then they are valid.
func (o Outcome) Revoked() ([]journal.Notice, error) { return o.certificates(CertificateRevoked) }

// card is a notice to card management.
func (o Outcome) card(kind Kind) ([]journal.Notice, error) {
	facts := map[string]string{}
	if o.Station != "" {
		facts[FactStation] = o.Station
	}
	if o.Reason != "" {
		facts[FactReason] = o.Reason
	}
	n, err := Notice{Key: KeyOf(o.Job, o.Card, kind, ""), Card: o.Card, Order: o.Order, Kind: kind, At: o.At, Facts: facts}.ForOutbox(Management)
	if err != nil {
		return nil, err
	}
	return []journal.Notice{n}, nil
}

// certificates are notices to the JPKI, one a certificate.
func (o Outcome) certificates(kind Kind) (all []journal.Notice, err error) {
	for _, purpose := range purposes {
		serial, ok := o.Certificates[purpose]
		if !ok {
			continue
		}
		about := map[string]string{FactPurpose: purpose, FactSerial: serial}
		if o.Reason != "" {
			about[FactReason] = o.Reason
		}
		n, err := Notice{Key: KeyOf(o.Job, o.Card, kind, purpose), Card: o.Card, Order: o.Order, Kind: kind, At: o.At, Facts: about}.ForOutbox(JPKI)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}
