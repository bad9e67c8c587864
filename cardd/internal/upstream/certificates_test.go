package upstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

var certificateStatuses = []CertificateStatus{Valid, OnHold, Revoked, Unissued}

// everyCertificate goes through all that may be known of a certificate and its card.
func everyCertificate(f func(TerminalState, Status, CertificateStatus)) {
	for _, t := range terminalStates {
		for _, m := range statuses {
			for _, s := range certificateStatuses {
				f(t, m, s)
			}
		}
	}
}

// What is mended without a person is one thing, and nothing that matters is passed over.
func TestNoCertificateIsTakenBackOnAnothersWord(t *testing.T) {
	everyCertificate(func(terminal TerminalState, m Status, s CertificateStatus) {
		r := judgeCertificate(terminal, m, s)
		name := fmt.Sprintf("%s / %s / %s -> %s %s", terminal, m, s, r.verdict, r.code)
		stands := s == Valid || s == OnHold
		switch {
		case r.verdict == Mend != (terminal == Spoiled && stands):
			t.Errorf("%s: taken back otherwise than for a card that is void here", name)
		case m == Abolished && stands && r.verdict == Agree:
			t.Errorf("%s: an abolished card has a certificate", name)
		case terminal == Done && m != Abolished && s == Revoked && r.verdict != ToDo:
			t.Errorf("%s: a finished card has a dead certificate", name)
		case (r.verdict == Agree) != (r.code == ""):
			t.Errorf("%s: a difference without a reason, or a reason without a difference", name)
		}
		if _, ok := failure.Explain(r.code); r.code != "" && !ok {
			t.Errorf("%s: nothing explains it", name)
		}
	})
}

func TestEveryCertificateRuleIsUsed(t *testing.T) {
	used := map[string]bool{}
	everyCertificate(func(terminal TerminalState, m Status, s CertificateStatus) {
		used[fmt.Sprint(judgeCertificate(terminal, m, s))] = true
	})
	for i, r := range certificateRules {
		if !used[fmt.Sprint(r)] {
			t.Errorf("rule %d never counts: %v", i+1, r)
		}
	}
}

func TestCertificatesAreListedTheWorstFirst(t *testing.T) {
	terminal := []TerminalView{
		{Card: "done", State: Done}, {Card: "void", State: Spoiled}, {Card: "work", State: Working}, {Card: "held", State: Done}, {Card: "gone", State: Done},
	}
	management := []ManagementView{{Card: "held", Status: Suspended}, {Card: "other", Status: Delivered}, {Card: "old", Status: Abolished}}
	authority := []CertificateView{
		{Card: "done", Purpose: "authentication", Serial: "1", Status: Valid}, {Card: "done", Purpose: "signature", Serial: "2", Status: Revoked},
		{Card: "void", Serial: "3", Status: Valid}, {Card: "void", Serial: "4", Status: Revoked}, {Card: "work", Serial: "5", Status: Valid},
		{Card: "held", Serial: "6", Status: OnHold}, {Card: "other", Serial: "7", Status: Valid}, {Card: "old", Serial: "8", Status: Valid},
		{Card: "gone", Purpose: "signature", Serial: "9", Status: Valid}, {Card: "gone", Purpose: "signature", Serial: "10", Status: Valid},
	}
	notice := func(card, serial string, kind Kind) journal.Notice {
		facts, _ := json.Marshal(map[string]string{FactSerial: serial, FactPurpose: "sign"})
		return journal.Notice{Party: JPKI, Card: card, Kind: string(kind), Facts: facts}
	}
	told := Told([]journal.Notice{
		notice("done", "1", CertificateIssued), notice("done", "b", CertificateIssued), notice("done", "c", CertificateRevoked),
		{Party: Management, Card: "done", Kind: string(Issued), Facts: json.RawMessage("null")},
	})
	var got strings.Builder
	for _, f := range ReconcileCertificates(terminal, management, authority, told) {
		fmt.Fprintf(&got, "%s %s: %s, %s: %s\n", f.Card, f.Serial, f.Verdict, f.Right, f.Code)
	}
	const want = `done b: alarm, nobody knows yet: UPSTREAM-CERTIFICATE-UNKNOWN
gone 10: alarm, nobody knows yet: UPSTREAM-CERTIFICATE-TWICE
gone 9: alarm, nobody knows yet: UPSTREAM-CERTIFICATE-TWICE
done 2: act, authority: UPSTREAM-CERTIFICATE-REVOKED
old 8: act, card management: UPSTREAM-CERTIFICATE-ABOLISHED
void 3: mend, terminal: UPSTREAM-CERTIFICATE-LIVE
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	if found := ReconcileCertificates(nil, nil, authority[6:7], nil); len(found) != 0 {
		t.Errorf("another terminal's certificate differs: %+v", found)
	}
}
