package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"jukicard/cardd/internal/failure"
	"jukicard/reader"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what the card in the reader tells without any PIN",
		Long: "Reads what anybody may read: what card it is, how far it is made, its certificates, and how many wrong\n" +
			"tries each PIN has left. No PIN is presented and no try is spent. Works on real cards; a card that is no\n" +
			"My Number card of a known generation is shown as far as it goes, with exit status 1.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.show(cmd.Context()) },
	}
}

func (a *app) show(ctx context.Context) error {
	var v *view
	err := a.withCard(ctx, reader.Shared, func(c *opened) (err error) {
		v, err = look(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(v)
	} else if err := a.printView(v); err != nil {
		return err
	}
	if err := v.judge(); err != nil {
		a.json = false // the view is the JSON value; there is one
		return err
	}
	return nil
}

// judge is the reason why a card is none that cardd knows.
func (v *view) judge() error {
	switch {
	case !v.MyNumber && v.Condition == conditionOther: // stopped: it lets none of its applications be selected
		return failure.New(failure.CardLifeCycle, "its life-cycle state is "+v.LifeCycle, nil)
	case !v.MyNumber:
		return failure.New(failure.CardNotMyNumber, "", nil)
	case v.Generation == "":
		return failure.New(failure.CardGeneration, "its token label is not that of a generation known here", nil)
	}
	return nil
}

func (a *app) printView(v *view) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	row := func(en, ja, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", a.in2(en, ja), value)
		}
	}
	row("reader", "リーダー", v.Reader)
	row("answer to reset", "ATR", fmt.Sprintf("%s (%s)", v.ATR, interfaceText(v)))
	row("known for", "該当", v.Known)
	if v.MyNumber {
		row("generation", "世代", v.Generation)
		row("token label", "トークンラベル", v.Label)
		row("card id", "カード識別番号", v.CardID)
		row("manufacture no.", "製造番号", v.Manufacture)
		row("municipality", "市区町村コード", v.Municipality)
		row("valid until", "有効期限", dateText(v.Expiry))
		row("condition", "状態", a.conditionText(v))
		if v.Domain != nil {
			row("issuer domain", "発行者ドメイン", a.controlText(v.Domain))
		}
	}
	if err := w.Flush(); err != nil || !v.MyNumber {
		return err
	}
	a.printApplications(v.Applications)
	if err := a.printReferences(a.out, v.References); err != nil {
		return err
	}
	return a.printCertificates(v.Certificates)
}

// interfaceText tells the protocols of a contact card; those in the answer that a
// contactless reader makes up mean nothing (PC/SC part 3, 3.1.3.2.3.1).
func interfaceText(v *view) string {
	var b strings.Builder
	b.WriteString(v.Interface)
	for _, p := range v.Protocols {
		fmt.Fprintf(&b, ", T=%d", p)
	}
	return b.String()
}

// dateText is YYYYMMDD as people write it.
func dateText(s string) string {
	if t, err := time.Parse("20060102", s); err == nil {
		return t.Format(time.DateOnly)
	}
	return s
}

func (a *app) conditionText(v *view) string {
	texts := map[string][2]string{
		conditionBlank:    {"blank: nothing is written", "未発行"},
		conditionHalfMade: {"half made: " + fmt.Sprint(v.Written) + " objects are written, it is not locked", "書込み途中"},
		conditionIssued:   {"issued and locked", "発行済み"},
		conditionOther:    {"in a state that no order takes", "処理できない状態"},
		conditionNotTold:  {"the card does not tell, like every real card", "カードは状態を示しません (実カードは全てそうです)"},
	}
	text := a.in2(texts[v.Condition][0], texts[v.Condition][1])
	if v.LifeCycle != "" {
		text += " (" + v.LifeCycle + ")"
	}
	return text
}

func (a *app) printApplications(rows []applicationRow) {
	a.printf("\n%s\n", a.in2("applications", "アプリケーション"))
	for _, r := range rows {
		state := a.in2("there", "あり")
		if !r.Present {
			state = a.in2("not there: ", "なし: ") + r.Answer
		}
		a.printf("  %-9s %s  %s\n", r.Name, state, r.Japanese)
		if r.Control != nil {
			a.printf("  %-9s %s\n", "", a.controlText(r.Control))
		}
	}
}

func (a *app) printReferences(out io.Writer, rows []referenceRow) error {
	_, _ = fmt.Fprintf(out, "\n%s\n", a.in2("PINs and 照合番号: tries left", "暗証番号・照合番号の残り回数"))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "  %s\t%d/%d\t%s\t%s\n", r.Path, r.Left, r.Most, a.triesText(r.State), r.Japanese)
	}
	return w.Flush()
}

func (a *app) triesText(state string) string {
	texts := map[string][2]string{
		"ready": {"", ""}, "last-try": {"one try left", "残り1回"},
		"blocked-or-unset": {"blocked or never set", "閉塞または未設定"}, "absent": {"not told", "不明"},
	}
	return a.in2(texts[state][0], texts[state][1])
}

func (a *app) printCertificates(rows []certificateRow) error {
	a.printf("\n%s\n", a.in2("certificates", "証明書"))
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		switch r.State {
		case "present":
			_, _ = fmt.Fprintf(w, "  %s\t%s\n\t%s %s, %s - %s\n\t%s %s\n", r.Path, r.Subject, a.in2("serial", "シリアル"), r.Serial,
				r.From.Local().Format(time.DateTime), r.Until.Local().Format(time.DateTime), a.in2("issuer", "発行者"), r.Issuer)
		case "protected":
			_, _ = fmt.Fprintf(w, "  %s\t%s %s\n", r.Path, a.in2("not readable without", "読取りに必要:"), r.Opens)
		default:
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", r.Path, a.certificateText(r.State))
		}
	}
	return w.Flush()
}

func (a *app) certificateText(state string) string {
	texts := map[string][2]string{
		"empty": {"none", "なし"}, "absent": {"the card has no such file", "ファイルなし"}, "damaged": {"it is no certificate", "証明書として読めません"},
	}
	return a.in2(texts[state][0], texts[state][1])
}
