package pki

import (
	"context"
	"errors"
	"fmt"
	"math/big"
)

// Event is what happened to a holder, a card or a key, as far as certificates depend on it.
type Event string

// The events. A change of 氏名, 住所, 生年月日 or 性別 makes what the 署名用
// certificate says untrue; the 利用者証明用 one says nothing of it and lives on.
// Everything that ends or suspends the card takes both (issuance rules sheet, 3.3 and 3.4).
const (
	NameChanged    Event = "name-changed"    // 氏名
	AddressChanged Event = "address-changed" // 住所
	BirthChanged   Event = "birth-changed"   // 生年月日
	SexChanged     Event = "sex-changed"     // 性別

	CardSuspended Event = "card-suspended" // 一時停止; never lifted, new certificates are issued
	CardEnded     Event = "card-ended"     // 失効 or 廃止 for whatever cause: return, death, moving abroad, another number
	CardDestroyed Event = "card-destroyed" // before it was handed over
	CardReplaced  Event = "card-replaced"  // by a new card with its own certificates
	FaceMatchCard Event = "face-match"     // 顔認証マイナンバーカード: a card without 署名用

	SignatureRenewed       Event = "signature-renewed"
	AuthenticationRenewed  Event = "authentication-renewed"
	SignatureUnwanted      Event = "signature-unwanted" // 不要
	AuthenticationUnwanted Event = "authentication-unwanted"
	KeysCompromised        Event = "keys-compromised"
)

// Revocation is one certificate to take back, and why.
type Revocation struct {
	Purpose Purpose
	Why     Reason
}

func both(why Reason) []Revocation { return []Revocation{{Signature, why}, {Authentication, why}} }

// revocations is the whole rule. Which reason stands for which event is known for hold,
// 記載内容変更, 更新, 不要 and destruction (issuance rules sheet, 3.3, one source); that a
// card which ends counts as 不要, and one that is replaced as 更新, is ours.
var revocations = map[Event][]Revocation{
	NameChanged:    {{Signature, AffiliationChanged}},
	AddressChanged: {{Signature, AffiliationChanged}},
	BirthChanged:   {{Signature, AffiliationChanged}},
	SexChanged:     {{Signature, AffiliationChanged}},

	CardSuspended: both(CertificateHold),
	CardEnded:     both(CessationOfOperation),
	CardDestroyed: both(Unspecified),
	CardReplaced:  both(Superseded),
	FaceMatchCard: {{Signature, CessationOfOperation}},

	SignatureRenewed:       {{Signature, Superseded}},
	AuthenticationRenewed:  {{Authentication, Superseded}},
	SignatureUnwanted:      {{Signature, CessationOfOperation}},
	AuthenticationUnwanted: {{Authentication, CessationOfOperation}},
	KeysCompromised:        both(KeyCompromise),
}

// Revokes lists what an event takes back, the 署名用 certificate first. An event that is
// none is an error, for nobody shall believe that it revokes nothing.
func (e Event) Revokes() ([]Revocation, error) {
	out, ok := revocations[e]
	if !ok {
		return nil, fmt.Errorf("cannot tell what to revoke: %q is no event", string(e))
	}
	return append([]Revocation(nil), out...), nil
}

// Take takes back what an event says of the certificates that a card holds, by their
// serial numbers; a purpose without one is passed over. It goes on after a failure, so that
// one certificate's trouble keeps no other valid, and returns all that failed. One that is
// revoked for good already (ErrRevoked) is no failure. Doing it again is safe.
func (e Event) Take(ctx context.Context, from Revoker, held map[Purpose]*big.Int) error {
	list, err := e.Revokes()
	if err != nil {
		return err
	}
	var failed []error
	for _, one := range list {
		serial := held[one.Purpose]
		if serial == nil {
			continue
		}
		if err := from.Revoke(ctx, serial, one.Why); err != nil && !errors.Is(err, ErrRevoked) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
