package main

import (
	"context"
	"errors"
	"fmt"

	"jukicard/apdu"
	"jukicard/apdu/profile"
	"jukicard/apdu/secret"
	"jukicard/simulator"
)

// Bounds of the section: what a full issue may take beyond the least, and what
// reading the four certificates may take in all.
const (
	issueRatioMax         = 1.10
	certificatesShort     = 31
	certificatesExtended  = 11
	certificatesMoreShort = 244 // bytes beside the certificates themselves: 31 commands, 5,768 bytes for 5,524
	certificatesMoreLong  = 112 // 11 commands, 5,636 bytes for 5,524
)

// measureIssue issues a card short and one extended and counts; then it reads the
// four certificates of the last; then it issues some more and takes the time.
func measureIssue(ctx context.Context, r *report) error {
	return withDir(func(dir string) error {
		p, err := profile.Load(simulator.DefaultProfile)
		if err != nil {
			return err
		}
		a, err := apply(dir, "adult")
		if err != nil {
			return err
		}
		pool, err := newKeyPool()
		if err != nil {
			return err
		}
		for _, l := range []link{shortLink(), extendedLink(p.Limits.CommandData)} {
			if err := issueOver(ctx, r, dir, l, p, a, pool); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
		return timeIssue(ctx, r, dir, p, a, pool)
	})
}

// issueOver issues one card over a link and compares it with the minimum.
func issueOver(ctx context.Context, r *report, dir string, l link, p *profile.Card, a *applicant, pool *keyPool) error {
	o, err := openOffice(ctx, dir, l.name == shortLink().name)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	c, err := blankCard(p, pool.take)
	if err != nil {
		return err
	}
	done, err := o.issue(ctx, a, c)
	if err != nil {
		return err
	}
	j, err := o.onCard(ctx, p, a)
	if err != nil {
		return err
	}
	compareIssue(r, l, j, done)
	exactness(r, l, done)
	return readCertificates(ctx, r, o, l, p, a)
}

// compareIssue sets the whole of what was sent against the least.
func compareIssue(r *report, l link, j job, done *issued) {
	least := l.minimum(j)
	apdus, bytes := int(done.total.APDUs), int(done.total.Sent+done.total.Received)
	r.count("issue_payload_"+l.name, j.payload(), "B", none)
	r.count("issue_apdus_"+l.name, apdus, "apdu", none)
	r.count("issue_apdus_"+l.name+"_minimum", least.apdus, "apdu", none)
	r.add("issue_apdus_"+l.name+"_ratio", float64(apdus)/float64(least.apdus), unitRatio, atMost(issueRatioMax))
	r.count("issue_bytes_"+l.name, bytes, "B", none)
	r.count("issue_bytes_"+l.name+"_minimum", least.bytes, "B", none)
	r.add("issue_bytes_"+l.name+"_ratio", float64(bytes)/float64(least.bytes), unitRatio, atMost(issueRatioMax))
}

// exactness compares what the plan said with what each step sent: both are counts,
// so they must be the same.
func exactness(r *report, l link, done *issued) {
	var spent apdu.Counts
	inexact := 0
	for _, s := range done.plan.Steps {
		got := done.spent[s.ID]
		spent = apdu.Counts{APDUs: spent.APDUs + got.APDUs, Sent: spent.Sent + got.Sent, Received: spent.Received + got.Received}
		if got != (apdu.Counts{APDUs: int64(s.Cost.APDUs), Sent: int64(s.Cost.Sent), Received: int64(s.Cost.Received)}) {
			inexact++
		}
	}
	planned := done.plan.Cost()
	r.count("plan_steps_"+l.name, len(done.plan.Steps), "step", none)
	r.add("plan_apdus_"+l.name+"_ratio", float64(spent.APDUs)/float64(planned.APDUs), unitRatio, none)
	r.add("plan_bytes_"+l.name+"_ratio", float64(spent.Sent+spent.Received)/float64(planned.Sent+planned.Received), unitRatio, none)
	r.count("plan_steps_"+l.name+"_inexact", inexact, "step", atMost(0))
}

// certificates are read in the order in which public clients read them.
var certificates = []string{"jpki/auth-cert", "jpki/sign-cert", "jpki/auth-ca", "jpki/sign-ca"}

// readCertificates reads all four from a card just put in, the signature certificate
// behind its PIN.
func readCertificates(ctx context.Context, r *report, o *office, l link, p *profile.Card, a *applicant) error {
	pin := secret.FromString(a.pin["signature"])
	defer pin.Destroy()
	s, done, err := o.session(ctx, p, l.responseMax > shortAnswerMax)
	if err != nil {
		return err
	}
	defer done()
	before := o.counter.Counts()
	if err := s.Verify(ctx, "jpki/sign-pin", pin); err != nil {
		return err
	}
	var sizes []int
	payload := 0
	for _, path := range certificates {
		b, err := s.ReadObject(ctx, path)
		if err != nil {
			return err
		}
		sizes = append(sizes, len(b))
		payload += len(b)
	}
	spent := o.counter.Counts().Sub(before)
	if payload == 0 {
		return errors.New("the card has no certificates")
	}
	least := l.readout(len(p.Applications[0].AID), pin.Len(), sizes)
	apdusMax, moreMax := certificatesShort, certificatesMoreShort
	if l.responseMax > shortAnswerMax {
		apdusMax, moreMax = certificatesExtended, certificatesMoreLong
	}
	bytes := int(spent.Sent + spent.Received)
	r.count("certificates_payload_"+l.name, payload, "B", none)
	r.count("certificates_apdus_"+l.name, int(spent.APDUs), "apdu", atMost(float64(apdusMax)))
	r.count("certificates_apdus_"+l.name+"_minimum", least.apdus, "apdu", none)
	r.count("certificates_bytes_"+l.name, bytes, "B", none)
	r.count("certificates_bytes_"+l.name+"_minimum", least.bytes, "B", none)
	r.count("certificates_overhead_"+l.name, bytes-payload, "B", atMost(float64(moreMax)))
	return nil
}
