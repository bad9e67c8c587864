package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jukicard/cardd/client"
	"jukicard/simulator"
)

// dying is a card that is pulled at a certain command.
type dying struct {
	*simulator.Card
	left int
	pull func()
}

func (d *dying) Process(command []byte) []byte {
	if d.left--; d.left == 0 {
		d.pull()
		return nil
	}
	return d.Card.Process(command)
}

// tripwire calls trip once when a text is written.
type tripwire struct {
	w    io.Writer
	at   string
	trip func()
}

func (w *tripwire) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.at) {
		w.trip()
	}
	return w.w.Write(p)
}

func TestIssue(t *testing.T) {
	t.Run("everything that was asked for is there", func(t *testing.T) {
		desk := deskWith(blank(t))
		serveDaemon(t, desk)
		dir, out := person(t, "adult"), t.TempDir()
		receipt, env := filepath.Join(out, "receipt"), filepath.Join(out, "env")
		c := newConsole(desk).do(t, 0, "--json", "issue", dir+"/order.json", "--pins", dir+"/pins.json", "--receipt", receipt, "--env", env)
		var got outcome
		if err := json.Unmarshal(c.out.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, &c.out)
		}
		if got.Job.State != stateDone || got.Receipt != receipt || got.Env != env || got.Error != nil {
			t.Errorf("outcome %+v", got)
		}
		if c.err.Len() > 0 {
			t.Errorf("beside JSON it says %q", &c.err)
		}
		newConsole(desk).do(t, 0, "receipt", "verify", receipt)
		newConsole(desk).do(t, 0, "jobs")
		shown := newConsole(desk).do(t, 0, "--lang", "ja", "job", "show", got.Job.ID)
		if !strings.Contains(shown.out.String(), "完了") {
			t.Errorf("the job is shown as %s", &shown.out)
		}
		for _, file := range []string{receipt, env} {
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("a card pulled half way is told as held, and resumed", func(t *testing.T) {
		desk := deskWith(nil)
		serveDaemon(t, desk)
		card := blank(t)
		out := make(chan struct{})
		desk.Insert(0, &dying{card, 50, func() {
			go func() { // the desk waits for the command to end
				desk.Remove(0)
				close(out)
			}()
		}})
		dir := person(t, "infant")
		c := newConsole(desk).do(t, exitHeld, "--json", "issue", dir+"/order.json", "--pins", dir+"/pins.json")
		var got outcome
		if err := json.Unmarshal(c.out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Error == nil || !strings.HasPrefix(got.Error.Code, "READER-") || got.Error.Japanese == "" {
			t.Errorf("the reason is %+v", got.Error)
		}
		<-out
		desk.Insert(0, card)
		newConsole(desk).do(t, 0, "job", "resume", got.Job.ID)
	})
	t.Run("an interrupt ends the watching and not the job", func(t *testing.T) {
		desk := deskWith(blank(t))
		serveDaemon(t, desk)
		dir := person(t, "infant")
		ctx, interrupt := context.WithCancel(t.Context())
		c := newConsole(desk)
		c.app.err = &tripwire{w: &c.err, at: "10/", trip: interrupt}
		t.Setenv("LC_ALL", "C")
		if got := c.run(ctx, []string{"issue", dir + "/order.json", "--pins", dir + "/pins.json"}); got != exitInterrupted {
			t.Fatalf("exit status %d\n%s", got, &c.err)
		}
		_, after, ok := strings.Cut(c.err.String(), "The job goes on without you. Look at it with: cardctl job show ")
		if !ok {
			t.Fatalf("it says %s", &c.err)
		}
		id, _, _ := strings.Cut(after, "\n")
		d, err := newConsole(desk).daemon()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Watch(t.Context(), id, func(client.Event) bool { return true }); err != nil {
			t.Fatal(err)
		}
		if j, err := d.Job(t.Context(), id); err != nil || j.State != stateDone {
			t.Errorf("the job is %+v, %v", j, err)
		}
	})
	t.Run("a plan is shown in both languages", func(t *testing.T) {
		desk := deskWith(nil)
		serveDaemon(t, desk)
		dir := person(t, "adult")
		for lang, want := range map[string]string{english: "planned for a blank card", japanese: "未発行カードに対する計画"} {
			if c := newConsole(desk).do(t, 0, "--lang", lang, "plan", dir+"/order.json"); !strings.Contains(c.out.String(), want) {
				t.Errorf("%s: no %q in %s", lang, want, &c.out)
			}
		}
	})
}
