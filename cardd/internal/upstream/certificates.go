package upstream

import (
	"cmp"
	"encoding/json"
	"slices"

	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/journal"
)

// CertificateStatus is where the authority stands with a certificate.
type CertificateStatus string

// Valid: it stands. OnHold: 一時保留, for a time. Revoked: 失効, for ever. Unissued: the
// authority does not know it.
const (
	Valid    CertificateStatus = "valid"
	OnHold   CertificateStatus = "on-hold"
	Revoked  CertificateStatus = "revoked"
	Unissued CertificateStatus = "unknown"
)

// CertificateView is what the authority says of one certificate.
type CertificateView struct {
	Card, Order string            // whom it was requested for
	Purpose     string            // the authority's word for what it is for
	Serial      string            // hex
	Status      CertificateStatus // at the authority
}

// OfAuthority: the authority's word counts.
const OfAuthority Right = "authority"

// CertificateFinding is one certificate on which the authority and what is known of its
// card do not agree.
type CertificateFinding struct {
	CertificateView
	Terminal   TerminalView
	Management Status
	Verdict    Verdict
	Right      Right
	Code       failure.Code
}

// certificateRule is as rule is, for certificates.
type certificateRule struct {
	terminal   []TerminalState
	management []Status
	status     []CertificateStatus

	verdict Verdict
	right   Right
	code    failure.Code
}

// certificateRules stand in the order of danger. What is mended by itself is one thing
// alone: a certificate that is valid for a card that this terminal knows to be void is
// taken back, for a void card stays void. That card management abolished a card is
// another's word, on which a person acts.
var certificateRules = []certificateRule{
	{ts{Spoiled}, nil, []CertificateStatus{Valid, OnHold}, Mend, OfTerminal, failure.UpstreamCertificateLive},
	{ts{Spoiled}, nil, nil, Agree, Everybody, ""},
	{nil, ms{Abolished}, []CertificateStatus{Valid, OnHold}, ToDo, OfManagement, failure.UpstreamCertificateAbolished},
	{nil, ms{Abolished}, nil, Agree, Everybody, ""},
	{ts{NoJob}, nil, nil, Agree, Everybody, ""}, // another terminal's
	{ts{Working, Done}, nil, []CertificateStatus{Valid}, Agree, Everybody, ""},
	{ts{Done}, ms{Suspended}, []CertificateStatus{OnHold}, Agree, Everybody, ""},
	{ts{Working}, nil, []CertificateStatus{Revoked, OnHold}, ToDo, OfAuthority, failure.UpstreamCertificateEarly},
	{ts{Done}, nil, []CertificateStatus{Revoked, OnHold}, ToDo, OfAuthority, failure.UpstreamCertificateRevoked},
	{nil, nil, []CertificateStatus{Unissued}, Alarm, Nobody, failure.UpstreamCertificateUnknown},
}

func judgeCertificate(t TerminalState, m Status, s CertificateStatus) certificateRule {
	for _, r := range certificateRules {
		if fits(r.terminal, t) && fits(r.management, m) && fits(r.status, s) {
			return r
		}
	}
	panic("internal error: no rule for a certificate: " + string(t) + " " + string(m) + " " + string(s))
}

// Told are the certificates that this terminal told the JPKI of as issued: what the
// authority must know.
func Told(notices []journal.Notice) (told []CertificateView) {
	for _, kept := range notices {
		if kept.Party != JPKI || Kind(kept.Kind) != CertificateIssued {
			continue
		}
		var facts map[string]string
		if json.Unmarshal(kept.Facts, &facts) == nil && facts[FactSerial] != "" {
			told = append(told, CertificateView{Card: kept.Card, Order: kept.Order, Purpose: facts[FactPurpose], Serial: facts[FactSerial], Status: Unissued})
		}
	}
	return told
}

// ReconcileCertificates compares what the authority has with what terminal and card
// management know of the cards, and lists every certificate on which they differ, the
// worst first, then by card and serial number. told is what the authority must have.
// management is nil where it could not be asked.
func ReconcileCertificates(terminal []TerminalView, management []ManagementView, authority, told []CertificateView) []CertificateFinding {
	cards := certificateCards(terminal, management)
	known, valid := map[string]bool{}, map[[2]string]int{}
	for _, v := range authority {
		known[v.Serial] = true
		if v.Status == Valid {
			valid[[2]string{v.Card, v.Purpose}]++
		}
	}
	all := slices.Clone(authority)
	for _, v := range told {
		if !known[v.Serial] {
			all = append(all, v)
		}
	}
	var found []CertificateFinding
	for _, v := range all {
		f := cards(v.Card)
		f.CertificateView = v
		r := judgeCertificate(f.Terminal.State, f.Management, v.Status)
		f.Verdict, f.Right, f.Code = r.verdict, r.right, r.code
		if v.Status == Valid && valid[[2]string{v.Card, v.Purpose}] > 1 && f.Verdict != Mend {
			f.Verdict, f.Right, f.Code = Alarm, Nobody, failure.UpstreamCertificateTwice
		}
		if f.Verdict != Agree {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b CertificateFinding) int {
		return cmp.Or(cmp.Compare(slices.Index(verdicts, b.Verdict), slices.Index(verdicts, a.Verdict)), cmp.Compare(a.Card, b.Card), cmp.Compare(a.Serial, b.Serial))
	})
	return found
}

// certificateCards finds what terminal and card management know of a card.
func certificateCards(terminal []TerminalView, management []ManagementView) func(card string) CertificateFinding {
	views, statuses := map[string]TerminalView{}, map[string]Status{}
	for _, v := range terminal {
		views[v.Card] = v
	}
	for _, v := range management {
		statuses[v.Card] = v.Status
	}
	return func(card string) CertificateFinding {
		f := CertificateFinding{Terminal: TerminalView{Card: card, State: NoJob, Notice: None}, Management: Unregistered}
		if management == nil {
			f.Management = Unasked
		}
		if v, ok := views[card]; ok {
			f.Terminal = v
		}
		if s, ok := statuses[card]; ok {
			f.Management = s
		}
		return f
	}
}
