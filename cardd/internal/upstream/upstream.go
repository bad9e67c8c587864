// Package upstream tells the parties outside, card management (カード管理システム) and
// the JPKI (公的個人認証), what became of a card, and finds out where they, the
// terminal and the chip do not agree.
//
// In April 2016 a communication failure left window terminals with a card as
// 交付済 (handed over) that card management held as 交付前. Every repeat was taken for
// unauthorised access (不正アクセス), and the card could only be made anew (itpro,
// 2016-04-05/06). So here:
//
//   - a notice has an idempotency key and is accepted into the journal's outbox in
//     the same transaction as the record it comes from;
//   - before its telegram leaves, its state becomes unknown and that is durable;
//   - while it is unknown nothing is repeated: the party is asked first;
//   - each party hears notices in the order they were accepted, one at a time;
//   - what a party refuses stays refused, holds the younger notices of that card
//     and waits for a person.
//
// Between two parties no order is kept: an outage of one holds up itself alone.
//
// The telegrams of the real systems are not public. [HTTP] speaks a small protocol
// of ours in their place; whoever holds the real one supplies another [Party].
//
// The package does not decide what is told: whoever ends a job does.
package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// The parties, as the outbox and the configuration name them.
const (
	Management = "management" // カード管理システム
	JPKI       = "jpki"       // 公的個人認証システム
)

// Kind is what happened to a card.
type Kind string

// The kinds. Issued: written, locked and proven, which is what 交付処理 makes of
// terminal and chip. Voided: it must never be used (廃止). Destroyed: two persons saw it
// destroyed (廃棄). The certificates' are for the JPKI.
const (
	Issued             Kind = "issued"
	Voided             Kind = "voided"
	Destroyed          Kind = "destroyed"
	CertificateIssued  Kind = "certificate-issued"
	CertificateRevoked Kind = "certificate-revoked"
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Issued, Voided, Destroyed, CertificateIssued, CertificateRevoked} }

// Names of facts that a notice may hold.
const (
	FactSerial  = "serial"  // of a certificate, hex
	FactSHA256  = "sha256"  // of a certificate or receipt, hex
	FactPurpose = "purpose" // of a certificate: sign or auth
	FactReason  = "reason"  // a failure code or a revocation reason
	FactStation = "station" // where
)

var factNames = []string{FactSerial, FactSHA256, FactPurpose, FactReason, FactStation}

// Notice is what a party is told about one card. It never holds personal data:
// card, order and certificate numbers, digests and codes are all there is.
type Notice struct {
	Key   string            // idempotency key; see KeyOf
	Card  string            // card identification number
	Order string            // the order it comes from
	Kind  Kind              // what happened
	Seq   int64             // order of acceptance at this station; assigned by the outbox
	At    time.Time         // when it happened
	Facts map[string]string // by the Fact names
}

// State is where a party stands with one notice.
type State string

// None: there is no such notice. Intended: to be told, and surely not there yet.
// Accepted and Refused: the party said so. Unknown: it was told and nobody here
// knows what came of it; never guessed away, only asked away.
const (
	None     State = "none"
	Intended State = journal.NoticeIntended
	Accepted State = journal.NoticeAccepted
	Refused  State = journal.NoticeRefused
	Unknown  State = journal.NoticeUnknown
)

// Known is what a party answers when it is asked about a key.
type Known struct {
	State State     // None, Accepted or Refused
	Card  string    // of the notice it has under that key
	Kind  Kind      // of that notice
	At    time.Time // when the party took it

	Code         string // why it was refused, in the party's own word
	Unauthorised bool   // it was taken for unauthorised access (不正アクセス)
}

// ErrUnreachable is that no answer came which is surely the party's: nobody knows
// whether the notice arrived. The state is unknown from then on.
var ErrUnreachable = errors.New("no answer from the other side")

// Refusal is the party's own no. It stays: the same notice is not told again.
type Refusal struct {
	Code         string // the party's word for why; its texts are not kept, they may be about a resident
	Unauthorised bool   // the party took it for unauthorised access (不正アクセス)
}

// Error reads "the other side refused: STATE".
func (r *Refusal) Error() string { return "the other side refused: " + r.Code }

// Party is one side to be told.
//
// Tell reports a notice under its key; nil is the party's own yes, durable there.
// *Refusal is its no. Every other error, ErrUnreachable above all, means that
// nothing is known: the notice may have arrived, may still be on its way, or not.
//
// Ask says what the party has under a key. Its None counts only when no telegram
// can be on its way any more; the caller sees to that. Asking changes nothing
// there and may be repeated. An error means that nothing was learnt.
//
// A call is one telegram: nothing below a Party repeats it on its own. Calls are
// made one at a time.
type Party interface {
	Tell(ctx context.Context, n Notice) error
	Ask(ctx context.Context, key string) (Known, error)
}

// keyForm keeps keys fit for a header and a path.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,160}$`)

// KeyOf is the idempotency key of an event: the same event has the same key
// whenever it is made, and no two stations make the same one, because no card is
// in two at once. on tells events of one kind apart ("sign", "auth"); it may be
// empty.
func KeyOf(job, card string, kind Kind, on string) string {
	parts := []string{job, card, string(kind)}
	if on != "" {
		parts = append(parts, on)
	}
	return strings.Join(parts, ".")
}

// factForm is a serial number, digest, name or code.
var factForm = regexp.MustCompile(`^[A-Za-z0-9:._-]{1,128}$`)

// numberOfPerson is the length in digits of a 個人番号 or 住民票コード.
var numberOfPerson = regexp.MustCompile(`^([0-9]{11}|[0-9]{12})$`)

// Check refuses a notice that no party could take, or that could hold data of a
// resident.
func (n Notice) Check() error {
	switch {
	case !keyForm.MatchString(n.Key):
		return fmt.Errorf("cannot take notice: key must be 1 to 160 letters, digits, dots, hyphens and underscores")
	case n.Card == "":
		return fmt.Errorf("cannot take notice %s: card is empty; give the card identification number", n.Key)
	case !slices.Contains(Kinds(), n.Kind):
		return fmt.Errorf("cannot take notice %s: kind %q is none of %v", n.Key, n.Kind, Kinds())
	}
	for _, name := range slices.Sorted(maps.Keys(n.Facts)) {
		switch value := n.Facts[name]; {
		case !slices.Contains(factNames, name):
			return fmt.Errorf("cannot take notice %s: fact %q is none of %v", n.Key, name, factNames)
		case name == FactStation: // a name; it is the configuration's, not a resident's
		case !factForm.MatchString(value):
			return fmt.Errorf("cannot take notice %s: fact %s must be a number, digest or code of at most 128 characters", n.Key, name)
		case numberOfPerson.MatchString(value):
			return fmt.Errorf("cannot take notice %s: fact %s has as many digits as a number of a person; give a serial number", n.Key, name)
		}
	}
	return nil
}

// ForOutbox is the notice as the journal keeps it, checked.
func (n Notice) ForOutbox(party string) (journal.Notice, error) {
	if err := n.Check(); err != nil {
		return journal.Notice{}, err
	}
	kept := journal.Notice{Party: party, Key: n.Key, Card: n.Card, Order: n.Order, Kind: string(n.Kind), At: n.At}
	if len(n.Facts) > 0 {
		facts, err := json.Marshal(n.Facts) // sorted by name: the same notice is the same bytes
		if err != nil {
			panic("internal error: cannot encode facts: " + err.Error())
		}
		kept.Facts = facts
	}
	return kept, nil
}

// fromOutbox is the notice that the journal kept.
func fromOutbox(kept journal.Notice) (Notice, error) {
	n := Notice{Key: kept.Key, Card: kept.Card, Order: kept.Order, Kind: Kind(kept.Kind), Seq: kept.Seq, At: kept.At}
	if err := json.Unmarshal(kept.Facts, &n.Facts); err != nil {
		return Notice{}, failure.New(failure.StationJournal, "the facts of notice "+kept.Key, err)
	}
	return n, nil
}
