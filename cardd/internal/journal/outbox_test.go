package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func init() { children["outbox"] = appendWithForever }

func notice(card, key string) Notice {
	return Notice{Party: "management", Key: key, Card: card, Order: "order-" + card, Kind: "issued", Facts: json.RawMessage(`{"serial":"0a"}`)}
}

func enqueueAll(t testing.TB, j *Journal, notices ...Notice) {
	t.Helper()
	if err := j.Enqueue(t.Context(), notices...); err != nil {
		t.Fatal(err)
	}
}

// moved takes a notice through states, each as state, !state when it is held
// there, and begun for the unknown that a telegram makes.
func moved(t testing.TB, j *Journal, key string, states ...string) Notice {
	t.Helper()
	n, err := j.Notice(t.Context(), "management", key)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		m := Move{Act: s, State: s}
		if s == ActBegun {
			m.State = NoticeUnknown
		}
		if rest, held := strings.CutPrefix(s, "!"); held {
			m.State, m.Held = rest, true
		}
		if n, err = j.MoveNotice(t.Context(), "management", key, n.State, m); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func nextKey(t testing.TB, j *Journal) string {
	t.Helper()
	n, ok, err := j.NextNotice(t.Context(), "management")
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return ""
	}
	return n.Key
}

func TestANoticeComesBackAsItWasAccepted(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	at := time.Date(2026, 4, 1, 9, 30, 0, 7, time.FixedZone("JST", 9*3600))
	if _, err := j.AppendWith(t.Context(), "1", Record{Kind: Signed, At: at}, notice("C1", "k1"), notice("C1", "k2")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path)
	got, err := j.NoticesOf(t.Context(), "C1")
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d notices, %v", len(got), err)
	}
	want := notice("C1", "k1")
	want.Seq, want.Job, want.At, want.State, want.Moves = 1, "1", at.UTC(), NoticeIntended, 1
	want.hash, want.head = got[0].hash, got[0].head
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
	moves, err := j.Moves(t.Context(), "management", "k2")
	if err != nil || len(moves) != 1 || moves[0].Act != ActQueued || moves[0].State != NoticeIntended {
		t.Errorf("got %+v, %v", moves, err)
	}
}

func TestARecordAndItsNoticesAreWrittenTogetherOrNotAtAll(t *testing.T) {
	j, _ := openNew(t)
	createJob(t, j, "1")
	taken := notice("C1", "k1")
	enqueueAll(t, j, taken)
	other := notice("C2", "k1")
	rows := []struct {
		name    string
		job     string
		record  Record
		notices []Notice
		want    error
	}{
		{"a key that is taken", "1", Record{Kind: Signed}, []Notice{notice("C3", "k3"), other}, ErrInvalid},
		{"no card", "1", Record{Kind: Signed}, []Notice{notice("", "k4")}, ErrInvalid},
		{"a state that is an end", "1", Record{Kind: Signed}, []Notice{{Party: "p", Key: "k", Card: "c", Kind: "issued", State: NoticeAccepted}}, ErrInvalid},
		{"facts that are not JSON", "1", Record{Kind: Signed}, []Notice{{Party: "p", Key: "k", Card: "c", Kind: "issued", Facts: []byte("{")}}, ErrInvalid},
		{"facts that are too large", "1", Record{Kind: Signed}, []Notice{{Party: "p", Key: "k", Card: "c", Kind: "issued", Facts: []byte(`"` + strings.Repeat("x", NoticeFactsMax) + `"`)}}, ErrTooLarge},
		{"a job that is none", "2", Record{Kind: Signed}, []Notice{notice("C5", "k5")}, ErrUnknown},
		{"a record of no kind", "1", Record{Kind: "x"}, []Notice{notice("C6", "k6")}, ErrInvalid},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if _, err := j.AppendWith(t.Context(), row.job, row.record, row.notices...); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
			records, err := j.Records(t.Context(), "1")
			if err != nil || len(records) != 0 {
				t.Errorf("%d records were written, %v", len(records), err)
			}
			if all, err := j.Notices(t.Context(), 0, 10); err != nil || len(all) != 1 {
				t.Errorf("%d notices are there, %v", len(all), err)
			}
		})
	}
	if err := errors.Join(j.Verify(t.Context()), j.VerifyOutbox(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestTheSameNoticeIsAcceptedOnce(t *testing.T) {
	j, _ := openNew(t)
	for range 3 {
		enqueueAll(t, j, notice("C1", "k1"), notice("C1", "k1"), notice("C2", "k2"))
	}
	moved(t, j, "k1", ActBegun, NoticeAccepted)
	enqueueAll(t, j, notice("C1", "k1")) // also when it was told long ago
	all, err := j.Notices(t.Context(), 0, 10)
	if err != nil || len(all) != 2 || all[0].State != NoticeAccepted {
		t.Errorf("got %+v, %v", all, err)
	}
	elsewhere := notice("C1", "k1")
	elsewhere.Party = "jpki"
	enqueueAll(t, j, elsewhere) // another party has its own keys
}

func TestNextNoticeKeepsTheOrder(t *testing.T) {
	j, _ := openNew(t)
	enqueueAll(t, j, notice("A", "a1"), notice("B", "b1"), notice("A", "a2"), notice("B", "b2"))
	steps := []struct {
		name   string
		key    string
		states []string
		next   string
	}{
		{"the oldest first", "", nil, "a1"},
		{"also while nobody knows", "a1", []string{ActBegun}, "a1"},
		{"then the next one, whatever the card", "a1", []string{NoticeAccepted}, "b1"},
		{"one refused lets other cards pass", "b1", []string{ActBegun, "!" + NoticeRefused}, "a2"},
		{"and holds its own card", "a2", []string{ActBegun, NoticeAccepted}, ""},
		{"until a person has dealt with it", "b1", []string{NoticeRefused}, "b2"},
		{"one held in doubt is passed over", "b2", []string{ActBegun, "!" + NoticeUnknown}, ""},
		{"until it is released", "b2", []string{ActReleased}, "b2"},
	}
	for _, s := range steps {
		if s.key != "" {
			for i, state := range s.states {
				if state == ActReleased {
					n, err := j.MoveNotice(t.Context(), "management", s.key, NoticeUnknown, Move{Act: ActReleased, State: NoticeUnknown, By: "市民課 係長"})
					if err != nil || n.Tells != 0 {
						t.Fatalf("%s: %+v, %v", s.name, n, err)
					}
					continue
				}
				moved(t, j, s.key, s.states[i])
			}
		}
		if got := nextKey(t, j); got != s.next {
			t.Errorf("%s: next is %q, want %q", s.name, got, s.next)
		}
	}
	unsettled, err := j.Unsettled(t.Context(), 10)
	if err != nil || len(unsettled) != 1 || unsettled[0].Key != "b2" {
		t.Errorf("unsettled: %+v, %v", unsettled, err)
	}
	if err := j.VerifyOutbox(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMoveNoticeRefuses(t *testing.T) {
	j, _ := openNew(t)
	enqueueAll(t, j, notice("A", "new"), notice("A", "told"), notice("A", "done"), notice("A", "no"))
	moved(t, j, "told", ActBegun)
	moved(t, j, "done", ActBegun, NoticeAccepted)
	moved(t, j, "no", ActBegun, "!"+NoticeRefused)
	rows := []struct{ name, key, from, to string }{
		{"accepted without being told", "new", NoticeIntended, NoticeAccepted},
		{"refused without being told", "new", NoticeIntended, NoticeRefused},
		{"another state than it is in", "told", NoticeIntended, NoticeUnknown},
		{"a state there is not", "told", NoticeUnknown, "sent"},
		{"accepted told again", "done", NoticeAccepted, NoticeUnknown},
		{"accepted taken back", "done", NoticeAccepted, NoticeIntended},
		{"refused told again", "no", NoticeRefused, NoticeUnknown},
		{"refused called accepted", "no", NoticeRefused, NoticeAccepted},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if _, err := j.MoveNotice(t.Context(), "management", row.key, row.from, Move{Act: "x", State: row.to}); !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want %v", err, ErrInvalid)
			}
		})
	}
	if _, err := j.MoveNotice(t.Context(), "jpki", "new", NoticeIntended, Move{State: NoticeUnknown}); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want %v", err, ErrUnknown)
	}
	if err := j.VerifyOutbox(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestANoticeHasABoundOnItsMoves(t *testing.T) {
	n := Notice{State: NoticeIntended, Moves: 1}
	other := map[string]string{NoticeIntended: NoticeUnknown, NoticeUnknown: NoticeIntended}
	var err error
	for err == nil {
		err = n.move("move", n.State, Move{State: other[n.State]})
	}
	if !errors.Is(err, ErrRecords) || n.Moves != MovesMax {
		t.Errorf("got %v after %d moves, want %v", err, n.Moves, ErrRecords)
	}
}

// Every column of a notice and of a move is changed once; each change is noticed
// before anybody acts on the notice, and named.
func TestVerifyOutboxNamesWhatWasChanged(t *testing.T) {
	rows := []struct{ name, statement, says string }{
		{"the party", "UPDATE outbox SET party = 'jpki' WHERE seq = 2", "notice 2 was changed"},
		{"the key", "UPDATE outbox SET key = 'x' WHERE seq = 2", "notice 2 was changed"},
		{"the card", "UPDATE outbox SET card = 'x' WHERE seq = 2", "notice 2 was changed"},
		{"the order", "UPDATE outbox SET order_id = 'x' WHERE seq = 2", "notice 2 was changed"},
		{"the job", "UPDATE outbox SET job = 'x' WHERE seq = 2", "notice 2 was changed"},
		{"the kind", "UPDATE outbox SET kind = 'voided' WHERE seq = 2", "notice 2 was changed"},
		{"the time", "UPDATE outbox SET at = at + 1 WHERE seq = 2", "notice 2 was changed"},
		{"the facts", `UPDATE outbox SET facts = CAST('{"serial":"0b"}' AS BLOB) WHERE seq = 2`, "notice 2 was changed"},
		{"the hash", "UPDATE outbox SET hash = zeroblob(32) WHERE seq = 2", "notice 2 was changed"},
		{"the state", "UPDATE outbox SET state = 'accepted' WHERE seq = 2", "stands as accepted, its history leads to unknown"},
		{"the hold", "UPDATE outbox SET held = 1 WHERE seq = 2", "its history leads to"},
		{"the count", "UPDATE outbox SET tells = 0 WHERE seq = 2", "its history leads to"},
		{"the time it was told", "UPDATE outbox SET told = 1 WHERE seq = 2", "its history leads to"},
		{"the code", "UPDATE outbox SET code = 'X' WHERE seq = 2", "its history leads to"},
		{"the end of the history", "UPDATE outbox SET head = zeroblob(32) WHERE seq = 2", "its history leads to"},
		{"a move's act", "UPDATE outbox_move SET act = 'x' WHERE notice = 2 AND n = 2", "move 2 was changed"},
		{"a move's state", "UPDATE outbox_move SET state = 'accepted' WHERE notice = 2 AND n = 2", "move 2 was changed"},
		{"a move's hold", "UPDATE outbox_move SET held = 1 WHERE notice = 2 AND n = 2", "move 2 was changed"},
		{"a move's time", "UPDATE outbox_move SET at = at + 1 WHERE notice = 2 AND n = 1", "move 1 was changed"},
		{"a move's code", "UPDATE outbox_move SET code = 'X' WHERE notice = 2 AND n = 2", "move 2 was changed"},
		{"a move's person", "UPDATE outbox_move SET by = 'X' WHERE notice = 2 AND n = 2", "move 2 was changed"},
		{"a move gone", "DELETE FROM outbox_move WHERE notice = 2 AND n = 2", "has 1 moves, 2 were written"},
		{"a notice gone", "DELETE FROM outbox WHERE seq = 2", "notice 2 is missing"},
		{"the tail gone", "DELETE FROM outbox WHERE seq = 3", "notice 2 is the last, 3 were accepted"},
		{"the count of all", "UPDATE outbox_end SET notices = 2", "notice 3 is the last, 2 were accepted"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			j, path := newClosed(t)
			enqueueAll(t, j, notice("A", "1"), notice("A", "2"), notice("A", "3"))
			moved(t, j, "1", ActBegun, NoticeAccepted)
			moved(t, j, "2", ActBegun)
			if err := errors.Join(j.VerifyOutbox(t.Context()), j.Close()); err != nil {
				t.Fatal(err)
			}
			tamper(t, path, "DROP TRIGGER outbox_said", "DROP TRIGGER outbox_accepted", "DROP TRIGGER outbox_kept",
				"DROP TRIGGER outbox_move_stays", "DROP TRIGGER outbox_move_kept", "PRAGMA foreign_keys = 0", row.statement)
			j = openAt(t, path)
			if err := j.VerifyOutbox(t.Context()); !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
			whole := strings.Contains(row.says, "is the last") // notice 2 itself is as it was
			if n, ok, err := j.NextNotice(t.Context(), "management"); err == nil && ok && n.Seq == 2 && !whole {
				t.Errorf("a changed notice was handed out: %+v", n)
			}
		})
	}
}

func TestTheFileItselfRefusesToChangeWhatWasSaid(t *testing.T) {
	j, _ := openNew(t)
	enqueueAll(t, j, notice("A", "1"))
	moved(t, j, "1", ActBegun, NoticeAccepted)
	for _, statement := range []string{
		"UPDATE outbox SET card = 'B'", "UPDATE outbox SET state = 'intended'", "DELETE FROM outbox",
		"UPDATE outbox_move SET act = 'x'", "DELETE FROM outbox_move",
	} {
		if _, err := j.db.Exec(statement); err == nil {
			t.Errorf("%s was carried out", statement)
		}
	}
}

// appendWithForever appends records with a notice each and acknowledges them,
// until it is killed.
func appendWithForever(path string) error {
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for {
		r, err := j.AppendWith(ctx, "1", Record{Kind: Outcome, Step: "lock domain"}, notice("C", fmt.Sprintf("k%d", time.Now().UnixNano())))
		if err != nil {
			return err
		}
		fmt.Printf("%d %x\n", r.Seq, r.Hash)
	}
}

// killRole kills a child in that role once it has acknowledged n records, and notes
// all that it acknowledged until it was dead.
func killRole(t *testing.T, role, path string, n int, acknowledged map[int64]string) {
	t.Helper()
	cmd := child(t, role, path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines, seen := bufio.NewScanner(out), 0; ; seen++ {
		if seen == n {
			_ = cmd.Process.Kill()
		}
		if !lines.Scan() {
			break
		}
		var seq int64
		var hash string
		if _, err := fmt.Sscanf(lines.Text(), "%d %s", &seq, &hash); err == nil && len(hash) == 64 {
			acknowledged[seq] = hash
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed: %v", err)
	}
}

// A daemon is killed at moments: there are as many notices as records, none more
// and none less.
func TestNoKillPartsARecordFromItsNotice(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[int64]string{}
	for round := range 8 {
		killRole(t, "outbox", path, round*3, acknowledged)
		j, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		checkSurvivors(t, j, acknowledged)
		notices, err := j.Notices(t.Context(), 0, NoticesMax)
		if err != nil || len(notices) != len(acknowledged) {
			t.Errorf("%d notices for %d records, %v", len(notices), len(acknowledged), err)
		}
		if err := errors.Join(j.VerifyOutbox(t.Context()), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkNoticeAcceptedToldAndSettled(b *testing.B) {
	j, _ := openNew(b)
	for i := range b.N {
		key := fmt.Sprint(i)
		enqueueAll(b, j, notice("C"+key, key))
		moved(b, j, key, ActBegun, NoticeAccepted)
	}
}
