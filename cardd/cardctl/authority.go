package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/client"
	"jukicard/pki"
)

const authorityLong = `What became of certificates, and what an authority over a network left open.

The embedded authority publishes its certificates, its lists of revoked certificates (RFC
5280) and OCSP (RFC 6960): ca and crl print them, serve gives them out over HTTP. Another
authority does that itself.

An answer of another authority can be lost, and then nobody here knows whether there is a
certificate. cardd does not ask again, which might make a second one: doubts lists such
requests, and settle takes down what you found at the authority.`

func (a *app) authorityCommand() *cobra.Command {
	c := group("authority", "Lists of revoked certificates, OCSP, revocation, and doubts about requests")
	c.Long = authorityLong
	c.AddCommand(a.issuerCommand(), a.crlCommand(), a.statusCommand(), a.doubtsCommand(), a.settleCommand(), a.revokedCommand(), a.eventCommand())
	return c
}

func (a *app) issuerCommand() *cobra.Command {
	return a.published("ca", "Print a CA's certificate in PEM", "CERTIFICATE", (*client.Client).Issuer)
}

func (a *app) crlCommand() *cobra.Command {
	return a.published("crl", "Print a CA's list of revoked certificates in PEM", "X509 CRL", (*client.Client).CRL)
}

func (a *app) published(name, short, kind string, get func(*client.Client, context.Context, string) ([]byte, error)) *cobra.Command {
	return &cobra.Command{
		Use: name + " signature|authentication", Short: short, Args: cobra.ExactArgs(1),
		ValidArgs: []string{string(pki.Signature), string(pki.Authentication)},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != string(pki.Signature) && args[0] != string(pki.Authentication) {
				return refused(errors.New("cannot tell which CA: it is signature or authentication"))
			}
			d, err := a.daemon()
			if err != nil {
				return err
			}
			der, err := get(d, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			a.printf("%s", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
			return nil
		},
	}
}

func (a *app) statusCommand() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "serve", Short: "Give out certificates, lists and OCSP of the embedded authority over HTTP until interrupted", Args: cobra.NoArgs,
		Long: `Listens for verifiers that do not speak over cardd's unix socket: /ca/signature, /crl/signature
and the same for authentication, and /ocsp. Nothing there tells of people, and nothing can
be changed; there is no TLS, for what is given out is signed.`,
		Example: "  cardctl authority serve --listen 127.0.0.1:8888\n  openssl ocsp -issuer ca.pem -cert cert.pem -CAfile ca.pem -url http://127.0.0.1:8888/ocsp",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.daemon()
			if err != nil {
				return err
			}
			if _, err := d.Issuer(cmd.Context(), string(pki.Signature)); err != nil {
				return err
			}
			return a.serveStatus(cmd.Context(), listen, d.Status())
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8888", "`address` to listen on")
	return c
}

func (a *app) serveStatus(ctx context.Context, listen string, handler http.Handler) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", listen, err)
	}
	a.notef(a.in2("Serving on http://%s\n", "http://%s で公開中\n"), l.Addr())
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
	}
	stopped := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stopped()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve: %w", err)
	}
	return ctx.Err()
}

func (a *app) doubtsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doubts", Short: "List the requests of which nobody here knows what became", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.daemon()
			if err != nil {
				return err
			}
			list, err := d.Doubts(cmd.Context())
			if err != nil {
				return err
			}
			return a.showDoubts(list)
		},
	}
}

func (a *app) showDoubts(list []client.Doubt) error {
	if a.json {
		a.printJSON(list)
		return nil
	}
	if len(list) == 0 {
		a.printf("%s\n", a.in2("No request is in doubt.", "発行の成否が不明な要求はありません。"))
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, a.in2("request\tasked\tstate\tcommon name\tkey", "要求\t日時\t状態\tCN\t鍵"))
	for _, d := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.Request, localTime(d.Asked), d.State, d.CommonName, d.Key)
	}
	return w.Flush()
}

func (a *app) settleCommand() *cobra.Command {
	var by, file string
	var none bool
	c := &cobra.Command{
		Use: "settle REQUEST", Short: "Say what you found at the authority about a request in doubt", Args: cobra.ExactArgs(1),
		Long: `Ends a doubt. Look at the authority for a certificate with the common name and key that doubts
shows. When there is one, hand it in; when there is none, or when it is revoked there now,
say so. After that let the job go on: cardctl job resume.`,
		Example: "  cardctl authority settle LAB-2026-0001/0999000000000017/signature --certificate found.pem --by Sato\n  cardctl authority settle LAB-2026-0001/0999000000000017/signature --nothing-issued --by Sato",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := saidBy(by); err != nil {
				return err
			}
			if none == (file != "") {
				return refused(errors.New("cannot settle the doubt: say what was found, --certificate FILE or --nothing-issued"))
			}
			found := ""
			if file != "" {
				text, err := os.ReadFile(file)
				if err != nil {
					return refused(fmt.Errorf("cannot read the certificate: %w", err))
				}
				found = string(text)
			}
			return a.settle(cmd.Context(), args[0], by, found)
		},
	}
	c.Flags().StringVar(&by, "by", "", "`name` of the person who found it (required)")
	c.Flags().StringVar(&file, "certificate", "", "the certificate that was issued, a `file` in PEM")
	c.Flags().BoolVar(&none, "nothing-issued", false, "there is no valid certificate for the request")
	return c
}

func (a *app) settle(ctx context.Context, request, by, found string) error {
	d, err := a.daemon()
	if err != nil {
		return err
	}
	s, err := d.Settle(ctx, request, by, found)
	if err != nil {
		return err
	}
	if s.Issued {
		return a.told(s, "Request %s is answered with that certificate. Let its job go on: cardctl job resume\n", "要求 %s はこの証明書で決着しました。cardctl job resume で再開してください。\n", s.Request)
	}
	return a.told(s, "Request %s may be asked again. Let its job go on: cardctl job resume\n", "要求 %s は再要求できます。cardctl job resume で再開してください。\n", s.Request)
}

func (a *app) revokedCommand() *cobra.Command {
	var by string
	var reason int
	c := &cobra.Command{
		Use: "revoked SERIAL", Short: "Say that you revoked a certificate at the authority itself", Args: cobra.ExactArgs(1),
		Long: `EST has no message that revokes. What must be taken back is owed until a person has revoked it
at the authority and says so here. The reason is a number of RFC 5280, 5.3.1.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := saidBy(by); err != nil {
				return err
			}
			d, err := a.daemon()
			if err != nil {
				return err
			}
			t, err := d.Revoked(cmd.Context(), args[0], reason, by)
			if err != nil {
				return err
			}
			return a.told(t, "Certificate %s counts as revoked.\n", "証明書 %s を失効済みとしました。\n", strings.Join(t.Serials, ", "))
		},
	}
	c.Flags().StringVar(&by, "by", "", "`name` of the person who revoked it (required)")
	c.Flags().IntVar(&reason, "reason", 0, "`number` of the reason, 0 to 6")
	return c
}

// events are what the command takes.
var events = []string{
	string(pki.NameChanged), string(pki.AddressChanged), string(pki.BirthChanged), string(pki.SexChanged), string(pki.CardSuspended), string(pki.CardEnded),
	string(pki.CardReplaced), string(pki.FaceMatchCard), string(pki.SignatureUnwanted), string(pki.AuthenticationUnwanted), string(pki.KeysCompromised),
}

func (a *app) eventCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "event EVENT CARD", Short: "Take back the certificates of a card that an event makes invalid", Args: cobra.ExactArgs(2), ValidArgs: events,
		Long: `Takes back what is no longer true or no longer wanted, which cannot be undone. A change of name,
address, birth date or sex takes the 署名用 certificate, and the 利用者証明用 one lives on; what
suspends (一時停止) or ends the card takes both. The events:

  ` + strings.Join(events, "\n  "),
		Example: "  cardctl authority event address-changed 0999000000000017 --by Sato",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := saidBy(by); err != nil {
				return err
			}
			d, err := a.daemon()
			if err != nil {
				return err
			}
			t, err := d.Happened(cmd.Context(), args[1], args[0], by)
			if err != nil {
				return err
			}
			if len(t.Serials) == 0 {
				return a.told(t, "Card %s has no certificate that this takes back.\n", "カード %s に失効させる証明書はありません。\n", t.Card)
			}
			return a.told(t, "Card %s: taken back %s.\n", "カード %s: %s を失効させました。\n", t.Card, strings.Join(t.Serials, ", "))
		},
	}
	c.Flags().StringVar(&by, "by", "", "`name` of the person who says so (required)")
	return c
}
