package cmp

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jukicard/apdu/secret"
	"jukicard/pki"
	"jukicard/pki/pkitest"
)

// TestSuite holds the client to the contract with each protection, each form of request,
// and servers that remember transactions and that do not.
func TestSuite(t *testing.T) {
	for _, tt := range []struct {
		name   string
		scheme string
		form   Form
		keeps  bool
	}{
		{"ir with PasswordBasedMac", "pbm", IR, false},
		{"p10cr with PBMAC1, a server that remembers", "pbmac1", P10CR, true},
		{"ir with signatures, a server that remembers", "signature", IR, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			type rig struct {
				o   *office
				dir string
			}
			var mu sync.Mutex
			rigs := map[pki.Authority]rig{}
			remember := func(a pki.Authority, r rig) pki.Authority {
				mu.Lock()
				defer mu.Unlock()
				rigs[a] = r
				return a
			}
			of := func(a pki.Authority) rig {
				mu.Lock()
				defer mu.Unlock()
				return rigs[a]
			}
			fresh := func(t testing.TB) pki.Authority {
				o, dir := newOffice(t, tt.scheme, tt.form, tt.keeps), dir(t)
				return remember(o.connect(t, dir), rig{o, dir})
			}
			pkitest.Run(t, pkitest.Suite{
				Hierarchy: pki.Lab(), Today: today, New: fresh,
				Reopen: func(t testing.TB, a pki.Authority) pki.Authority {
					r := of(a)
					if err := a.(*Authority).Close(); err != nil {
						t.Fatal(err)
					}
					return remember(r.o.connect(t, r.dir), r)
				},
				Afar: func(t testing.TB) pkitest.Afar {
					a := fresh(t)
					r := of(a)
					return pkitest.Afar{
						Authority: a, Issuer: r.o.issuer, Gate: r.o.gate, Site: r.o.site, Repeats: tt.keeps,
						Reopen: func(t testing.TB) pki.Authority { return r.o.connect(t, r.dir) },
					}
				},
			})
		})
	}
}

func request(t *testing.T, id string) pki.Request {
	return pkitest.Request(t, id, pki.Signature, pkitest.NewCard(t, 0), today)
}

// Each row is a conversation, as the kinds of message that the server gets.
func TestConversations(t *testing.T) {
	tests := []struct {
		name string
		form Form
		set  func(o *office)
		want []kind
	}{
		{"confirmed", IR, func(*office) {}, []kind{kindIR, kindCertConf}},
		{"confirmed by itself", IR, func(o *office) { o.implicit = true }, []kind{kindIR}},
		{"PKCS #10", P10CR, func(*office) {}, []kind{kindP10CR, kindCertConf}},
		{"after waiting", IR, func(o *office) { o.polls = 3 }, []kind{kindIR, kindPollReq, kindPollReq, kindPollReq, kindCertConf}},
		{"PKCS #10 after waiting", P10CR, func(o *office) { o.polls, o.implicit = 1, true }, []kind{kindP10CR, kindPollReq}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, "pbm", tt.form, false)
			tt.set(o)
			r := request(t, "job-1")
			cert, err := o.connect(t, dir(t)).Certify(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			for _, ca := range o.issuer.CAs() {
				if bytes.Equal(ca.RawSubject, cert.RawIssuer) {
					if err := pki.Lab().Judge(cert, r, ca); err != nil {
						t.Error(err)
					}
				}
			}
			if !slices.Equal(o.log, tt.want) {
				t.Errorf("want messages %v, got %v", tt.want, o.log)
			}
			if o.back != 0 {
				t.Error("a certificate was turned down")
			}
		})
	}
}

// A wait outlives the process: it goes on polling and does not ask anew.
func TestWaitsThroughARestart(t *testing.T) {
	o, dir := newOffice(t, "pbm", IR, false), dir(t)
	o.polls = 9 // 30 s of patience are four times 7 s
	a := o.connect(t, dir)
	if _, err := a.Certify(t.Context(), request(t, "job-1")); !errors.Is(err, pki.ErrWaiting) || errors.Is(err, pki.ErrDoubt) {
		t.Fatalf("want ErrWaiting, got %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = o.connect(t, dir)
	for range 3 {
		if _, err := a.Certify(t.Context(), request(t, "job-1")); err == nil {
			break
		} else if !errors.Is(err, pki.ErrWaiting) {
			t.Fatal(err)
		}
	}
	if n := len(o.issuer.Issued()); n != 1 || slices.Index(o.log[1:], kindIR) >= 0 {
		t.Errorf("%d certificates, messages %v", n, o.log)
	}
}

// What is wrong with a certificate that is not ours at all the authority is told, and takes
// it back: then nothing is in doubt, and the next question is another transaction.
func TestTurnsDown(t *testing.T) {
	o := newOffice(t, "pbm", IR, true)
	a := o.connect(t, dir(t))
	o.issuer.Break(pkitest.WrongKey)
	var objection *pki.Objection
	_, err := a.Certify(t.Context(), request(t, "job-1"))
	if !errors.As(err, &objection) || errors.Is(err, pki.ErrDoubt) || o.back != 1 {
		t.Fatalf("want an objection without doubt and one certificate back, got %v and %d", err, o.back)
	}
	o.issuer.Break(pkitest.None)
	if _, err := a.Certify(t.Context(), request(t, "job-1")); err != nil {
		t.Error(err)
	}
}

// The confirmation is lost on the way there or back: it is told again, and the certificate
// is the same.
func TestConfirmationIsLost(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault pkitest.Fault
	}{{"there", pkitest.Down}, {"back", pkitest.Lost}} {
		t.Run(tt.name, func(t *testing.T) {
			o, dir := newOffice(t, "pbm", IR, false), dir(t)
			o.spoil = func(answer *message) {
				if answer.kind == kindIP {
					o.gate.Break(tt.fault)
				}
			}
			a := o.connect(t, dir)
			if _, err := a.Certify(t.Context(), request(t, "job-1")); !errors.Is(err, pki.ErrDoubt) {
				t.Fatalf("want ErrDoubt, got %v", err)
			}
			doubts, err := a.Doubts(t.Context())
			if err != nil || len(doubts) != 1 || doubts[0].State != "received" || doubts[0].Received == nil {
				t.Fatalf("want one doubt with a certificate, got %+v, %v", doubts, err)
			}
			o.gate.Break(pkitest.None)
			_ = a.Close()
			a = o.connect(t, dir)
			cert, err := a.Certify(t.Context(), request(t, "job-1"))
			if err != nil || !bytes.Equal(cert.Raw, doubts[0].Received) || len(o.issuer.Issued()) != 1 {
				t.Errorf("got %v, %d certificates", err, len(o.issuer.Issued()))
			}
			if doubts, err := a.Doubts(t.Context()); err != nil || len(doubts) != 0 {
				t.Errorf("doubts remain: %v, %v", doubts, err)
			}
		})
	}
}

// Answers that are not the authority's, or not to this message, settle nothing: none of
// them is taken for a refusal, after which the request would be asked anew.
func TestAnswersNotBelieved(t *testing.T) {
	stranger := Signed{Key: pkitest.NewCard(t, 3).PrivateKey, Chain: []*x509.Certificate{identity(t, 3, 2, "ca.invalid", nil)}}
	usage := identity(t, serverKey, rootKey, "ca.invalid", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
	expired := identity(t, serverKey, rootKey, "ca.invalid", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	tests := []struct {
		name   string
		scheme string
		set    func(o *office)
		says   string
	}{
		{"the signature of an expired certificate", "signature", func(o *office) {
			mixed(o, Signed{Key: pkitest.NewCard(t, serverKey).PrivateKey, Chain: []*x509.Certificate{expired}})
		}, "expired"},
		{"a byte changed under a signature", "signature", func(o *office) {
			o.damage = func(der []byte) []byte {
				m, _ := parse(der)
				m.protection[40] ^= 1
				return m.der()
			}
		}, "not that of the authority"},
		{"signed, and something else said", "signature", func(o *office) {
			o.damage = func(der []byte) []byte {
				m, _ := parse(der)
				m.kind, m.body = kindError, errorBody(statusInfo{status: statusRejection})
				return m.der()
			}
		}, "not that of the authority"},
		{"another secret", "pbm", func(o *office) {
			o.client = Shared{Reference: "station-1", Secret: secret.FromString("another one")}
		}, "not protected"},
		{"not protected", "pbm", func(o *office) {
			o.damage = func(der []byte) []byte { m, _ := parse(der); m.protection, m.algorithm = nil, nil; return m.der() }
		}, "not protected"},
		{"a byte changed", "pbm", func(o *office) { o.damage = flipLast }, "not that of the authority"},
		{"a byte changed under PBMAC1", "pbmac1", func(o *office) { o.damage = flipLast }, "not that of the authority"},
		{"weak settings", "pbm", func(o *office) {
			o.damage = func(der []byte) []byte {
				m, _ := parse(der)
				s := Shared{}.settings()
				s.rounds = 1
				m.algorithm = s.der()
				m.protection, _ = s.compute(o.server.(Shared).Secret, m.protectedPart())
				return m.der()
			}
		}, "settings"},
		{"endless settings", "pbm", func(o *office) {
			o.damage = func(der []byte) []byte {
				m, _ := parse(der)
				s := Shared{}.settings()
				s.rounds = 2_000_000_000
				m.algorithm = s.der()
				return m.der()
			}
		}, "settings"},
		{"another transaction", "pbm", func(o *office) { o.spoil = func(m *message) { m.transaction = nonce() } }, "another message"},
		{"another nonce", "pbm", func(o *office) { o.spoil = func(m *message) { m.recipNonce = nonce() } }, "another message"},
		{"a replayed answer", "pbm", func(o *office) {
			first := o.connect(t, dir(t))
			var kept []byte
			o.damage = func(der []byte) []byte { kept = der; return der }
			if _, err := first.Certify(t.Context(), request(t, "job-0")); err != nil {
				t.Fatal(err)
			}
			o.damage = func([]byte) []byte { return kept }
		}, "another message"},
		{"a MAC where signatures are wanted", "signature", func(o *office) {
			_, o.server = sides(t, "pbm")
		}, "not protected"},
		{"the signature of a stranger of the same name", "signature", func(o *office) { mixed(o, stranger) }, "nobody trusted"},
		{"the signature of another station", "signature", func(o *office) {
			mixed(o, Signed{Key: pkitest.NewCard(t, 3).PrivateKey, Chain: []*x509.Certificate{identity(t, 3, rootKey, "station-2.invalid", nil)}})
		}, "not the server's"},
		{"a certificate that may not sign", "signature", func(o *office) {
			mixed(o, Signed{Key: pkitest.NewCard(t, serverKey).PrivateKey, Chain: []*x509.Certificate{usage}})
		}, "not for signatures"},
		{"another sender than its certificate's", "signature", func(o *office) {
			s := o.server.(Signed)
			o.server = named{s, directoryName(identity(t, 2, rootKey, "other.invalid", nil).RawSubject)}
		}, "sender"},
		{"another type", "pbm", func(o *office) { o.damage = func([]byte) []byte { return []byte("<html>") } }, "CMP message"},
		{"a byte more", "pbm", func(o *office) { o.damage = func(der []byte) []byte { return append(der, 0) } }, "CMP message"},
		{"another request's id", "pbm", func(o *office) {
			o.spoil = func(m *message) { m.body = bytes.Replace(m.body, []byte{2, 1, 0}, []byte{2, 1, 5}, 1) }
		}, "another message"},
		{"no nonce of its own", "pbm", func(o *office) { o.spoil = func(m *message) { m.senderNonce = nil } }, "no nonce"},
		{"a short nonce", "pbm", func(o *office) { o.spoil = func(m *message) { m.senderNonce = m.senderNonce[:15] } }, "no nonce"},
		{"made yesterday", "pbm", func(o *office) { o.spoil = func(m *message) { m.time = time.Now().Add(-25 * time.Hour) } }, "another time"},
		{"made tomorrow", "pbmac1", func(o *office) { o.spoil = func(m *message) { m.time = time.Now().Add(25 * time.Hour) } }, "another time"},
		{"the answer to p10cr", "pbm", func(o *office) { o.spoil = func(m *message) { m.kind = kindCP } }, "kind 3"},
		{"the answer to a poll that never was", "pbm", func(o *office) {
			o.spoil = func(m *message) { m.kind, m.body = kindPollRep, pollReply(0, 1) }
		}, "kind 26"},
		{"a key that anybody guesses", "pbmac1", func(o *office) {
			// The secret is not needed: of the 256 keys one is right.
			o.damage = func(der []byte) []byte {
				m, _ := parse(der)
				s := Shared{MAC: PBMAC1}.settings()
				s.length = 1
				m.algorithm = s.der()
				m.protection, _ = s.compute(o.server.(Shared).Secret, m.protectedPart())
				return m.der()
			}
		}, "settings"},
		{"the version of RFC 2510", "pbm", func(o *office) {
			o.damage = func(der []byte) []byte { return bytes.Replace(der, []byte{2, 1, 2}, []byte{2, 1, 1}, 1) }
		}, "want a CMP message"},
		{"the transaction is in use", "pbm", func(o *office) {
			o.spoil = func(m *message) {
				*m = message{header: m.header, kind: kindError, body: errorBody(statusInfo{status: 2, failInfo: 1 << failInUse})}
			}
		}, "transactionIdInUse"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, tt.scheme, IR, false)
			tt.set(o)
			a := o.connect(t, dir(t))
			for range 2 {
				_, err := a.Certify(t.Context(), request(t, "job-1"))
				if !errors.Is(err, pki.ErrDoubt) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("want ErrDoubt saying %q, got %v", tt.says, err)
				}
			}
		})
	}
}

// To a poll comes what is no answer to it: nobody decided anything, so the request is not
// asked anew, and what comes when it is polled for again is taken.
func TestPollsNotAnswered(t *testing.T) {
	var began *message
	for _, tt := range []struct {
		name  string
		spoil func(m *message)
		says  string
	}{
		{"for another request", func(m *message) { m.kind, m.body = kindPollRep, pollReply(4, 1) }, "another message"},
		{"the wait once more", func(m *message) { m.kind, m.body, m.recipNonce = began.kind, began.body, began.recipNonce }, "another message"},
		{"a poll's answer to the first message", func(m *message) { m.kind, m.body, m.recipNonce = kindPollRep, pollReply(0, 1), began.recipNonce }, "another message"},
		{"an error", func(m *message) {
			m.kind, m.body = kindError, errorBody(statusInfo{status: statusRejection, failInfo: 1 << 13})
		}, "badRecipientNonce"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, "pbm", IR, false)
			o.polls, began = 2, nil
			o.spoil = func(m *message) {
				if began == nil {
					kept := *m
					began = &kept
					return
				}
				tt.spoil(m)
			}
			a := o.connect(t, dir(t))
			if _, err := a.Certify(t.Context(), request(t, "job-1")); !errors.Is(err, pki.ErrDoubt) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want ErrDoubt saying %q, got %v", tt.says, err)
			}
			o.spoil = nil
			if _, err := a.Certify(t.Context(), request(t, "job-1")); err != nil || len(o.issuer.Issued()) != 1 || slices.Contains(o.log[1:], kindIR) {
				t.Errorf("polled again: %v; %d certificates, messages %v", err, len(o.issuer.Issued()), o.log)
			}
		})
	}
}

// What was polled for may come as the answer to the message that asked (RFC 9483, 4.4).
func TestTheFirstMessageIsAnsweredAtLast(t *testing.T) {
	for _, form := range []Form{IR, P10CR} {
		o := newOffice(t, "pbm", form, false)
		o.polls = 3
		var first []byte
		o.spoil = func(m *message) {
			switch {
			case first == nil:
				first = m.recipNonce
			case m.kind == kindIP, m.kind == kindCP:
				m.recipNonce = first
			}
		}
		if _, err := o.connect(t, dir(t)).Certify(t.Context(), request(t, "job-1")); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// pkiConf is NULL and nothing else: another one acknowledges nothing, and the certificate
// stays in doubt until the confirmation, told again, finds that it had arrived.
func TestAnAcknowledgementThatIsNone(t *testing.T) {
	o := newOffice(t, "pbm", IR, false)
	o.spoil = func(m *message) {
		if m.kind == kindPKIConf {
			m.body = errorBody(statusInfo{status: statusRejection})
		}
	}
	a := o.connect(t, dir(t))
	if _, err := a.Certify(t.Context(), request(t, "job-1")); !errors.Is(err, pki.ErrDoubt) {
		t.Errorf("want ErrDoubt, got %v", err)
	}
	o.spoil = nil
	if _, err := a.Certify(t.Context(), request(t, "job-1")); err != nil || len(o.issuer.Issued()) != 1 {
		t.Errorf("told again: %v, %d certificates", err, len(o.issuer.Issued()))
	}
}

func flipLast(der []byte) []byte {
	der = bytes.Clone(der)
	der[len(der)-1] ^= 1
	return der
}

// mixed has the server answer with another protection than it verifies with.
func mixed(o *office, answers Signed) { o.server = twofold{o.server, answers} }

type twofold struct {
	Protection Protection
	answers    Signed
}

func (p twofold) check() error             { return nil }
func (p twofold) protect(m *message) error { return p.answers.protect(m) }
func (p twofold) verify(m *message) error  { return p.Protection.verify(m) }

// named writes another sender.
type named struct {
	Signed
	sender []byte
}

func (p named) protect(m *message) error {
	other := *p.Chain[0]
	other.RawSubject = contents4(p.sender)
	return Signed{Key: p.Key, Chain: []*x509.Certificate{&other}}.protect(m)
}

// contents4 is the Name in a directoryName.
func contents4(general []byte) []byte { return general[2:] }

// Revocation where the other side knows more or less than we do.
func TestRevoke(t *testing.T) {
	o := newOffice(t, "pbm", IR, false)
	a := o.connect(t, dir(t))
	cert, err := a.Certify(t.Context(), request(t, "job-1"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.Certify(t.Context(), pkitest.Request(t, "job-2", pki.Authentication, pkitest.NewCard(t, 1), today))
	if err != nil {
		t.Fatal(err)
	}
	o.gate.Break(pkitest.Lost)
	if err := a.Revoke(t.Context(), cert.SerialNumber, pki.AffiliationChanged); err == nil {
		t.Error("the answer was lost, and it is said to be done")
	}
	o.gate.Break(pkitest.None)
	if err := a.Revoke(t.Context(), cert.SerialNumber, pki.AffiliationChanged); err != nil {
		t.Errorf("our own revocation, whose answer was lost, is not understood: %v", err)
	}
	if why, ok := o.issuer.Revoked(cert.SerialNumber); !ok || why != pki.AffiliationChanged {
		t.Errorf("the authority has %v, %v", why, ok)
	}
	if err := o.issuer.Revoke(second.RawIssuer, second.SerialNumber, pki.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	if err := a.Revoke(t.Context(), second.SerialNumber, pki.Superseded); !errors.Is(err, pki.ErrRevoked) {
		t.Errorf("revoked there by somebody else: want ErrRevoked, got %v", err)
	}
	if err := a.Revoke(t.Context(), big.NewInt(4711), pki.Superseded); !errors.Is(err, pki.ErrUnknownSerial) {
		t.Errorf("want ErrUnknownSerial, got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	o := newOffice(t, "pbm", IR, false)
	for name, edit := range map[string]func(o *Options){
		"no address":    func(o *Options) { o.Address = "" },
		"another way":   func(o *Options) { o.Address = "ldap://ca.invalid/" },
		"no protection": func(o *Options) { o.Protection = nil },
		"no server": func(o *Options) {
			o.Protection = Signed{Key: pkitest.NewCard(t, clientKey).PrivateKey, Chain: []*x509.Certificate{identity(t, clientKey, rootKey, "x", nil)}, Trusted: x509.NewCertPool()}
		},
		"no secret": func(o *Options) { o.Protection = Shared{Reference: "station-1"} },
		"nobody verified": func(o *Options) {
			o.Address, o.TLS = "https://ca.invalid/", &tls.Config{InsecureSkipVerify: true}
		},
		"no issuers": func(o *Options) { o.Record.Issuers = nil },
	} {
		options := o.options(dir(t))
		edit(&options)
		if _, err := Open(t.Context(), options); err == nil {
			t.Error(name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, scheme := range []string{"pbm", "pbmac1", "signature"} {
		p, _ := sides(f, scheme)
		for _, m := range []*message{
			{kind: kindError, body: errorBody(statusInfo{status: statusRejection, text: "no", failInfo: 1 << 26})},
			{kind: kindPollReq, body: poll(0)},
			{kind: kindRR, body: revocation([]byte{0x30, 0}, big.NewInt(255), pki.KeyCompromise)},
			{kind: kindIR, body: initialization([]byte{0x30, 0}), header: header{general: []information{{oidImplicitConfirm, nil}}}},
			(&office{form: P10CR}).reply(&message{kind: kindP10CR}, statusInfo{}, identity(f, 0, rootKey, "x", nil)),
		} {
			m.recipient, m.transaction, m.senderNonce = directoryName([]byte{0x30, 0}), nonce(), nonce()
			if err := p.protect(m); err != nil {
				f.Fatal(err)
			}
			f.Add(m.der())
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		m, err := parse(der)
		if err != nil {
			return
		}
		if len(m.extra) > extraMax || len(m.protected) == 0 {
			t.Error("a message out of bounds")
		}
		_, _ = parseSettings(m.algorithm)
		_, _ = parseCertificateReply(m.body)
		_, after, err := parsePollReply(m.body)
		if err == nil && (after < 0 || after > checkMax) {
			t.Errorf("a wait of %v", after)
		}
		if info, err := parseError(m.body); err == nil && len(info.text) > freeTextMax {
			t.Error("endless words")
		}
		_, _ = parseRevocationReply(m.body)
	})
}
