package main

import (
	"context"
	"errors"
	"fmt"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
)

// Job states (the API's words).
const (
	stateDone      = "done"
	stateHeld      = "held"
	stateSpoiled   = "spoiled"
	stateAbandoned = "abandoned"
)

// follow shows a job until nothing more happens by itself and gives it as it then
// stands. The job is the daemon's: it goes on when nobody looks.
func (a *app) follow(ctx context.Context, d *client.Client, id string) (*client.Job, error) {
	p := a.newProgress()
	var last client.Event
	err := d.Watch(ctx, id, func(e client.Event) bool {
		last = e
		p.show(e)
		return true
	})
	p.end()
	switch {
	case ctx.Err() != nil:
		a.notef(a.in2("The job goes on without you. Look at it with: cardctl job show %s\n",
			"処理は続いています。cardctl job show %s で確かめてください\n"), id)
		return nil, ctx.Err()
	case err != nil:
		return nil, &exit{code: exitUnreachable, err: fmt.Errorf("%w; the job is kept: start cardd again and look with: cardctl job show %s", err, id)}
	}
	j, err := d.Job(ctx, id)
	if err == nil && j.State != last.State { // the daemon could not even write down that it stopped
		j.State, j.Code, j.Reason = last.State, last.Code, last.Text
	}
	return j, err
}

// verdict tells how a job stands and, when it is not done, what to do.
func (a *app) verdict(j *client.Job) error {
	m := reasonOf(j)
	switch j.State {
	case stateDone:
		return nil
	case stateSpoiled:
		a.notef(a.in2("Job %s: the card %s is spoiled at step %d of %d. Do not hand it out.\n",
			"処理 %s: カード %s は手順 %d/%d で使えなくなりました。渡さないでください。\n"), j.ID, j.Card, j.Done, j.Total)
		a.notef("%s\n", m.lines(a.lang))
		return &exit{code: exitSpoiled, err: errors.New("the card is spoiled"), said: true}
	case stateAbandoned:
		if failure.Code(j.Code) == failure.EntrySpoilt {
			a.notef(a.in2("Job %s: the entry on card %s was printed in part. The card is its holder's and stays valid.\n",
				"処理 %s: カード %s の追記は一部だけが印刷されました。カードは本人のもので、有効です。\n"), j.ID, j.Card)
			a.notef("%s\n", m.lines(a.lang))
			return &exit{code: exitSpoiled, err: errors.New("the entry is spoilt"), said: true}
		}
		a.notef("%s\n", m.lines(a.lang))
		return &exit{code: exitRefused, err: errors.New("the job was given up"), said: true}
	case stateHeld:
		a.notef(a.in2("Job %s is held at step %d of %d; nothing is lost.\n", "処理 %s は手順 %d/%d で止まっています。失われたものはありません。\n"), j.ID, j.Done, j.Total)
		a.notef("%s\n", m.lines(a.lang))
		a.notef(a.in2("Then: %s\n", "その後: %s\n"), a.nextCommand(j))
		return &exit{code: exitHeld, err: errors.New("the job is held"), said: true}
	}
	return &exit{code: exitFailed, err: fmt.Errorf("cannot tell how the job ended: it is %s; look at it with: cardctl job show %s", j.State, j.ID)}
}

// nextCommand is what lets a held job go on.
func (a *app) nextCommand(j *client.Job) string {
	switch failure.Code(j.Code) {
	case failure.StationPIN:
		return a.in2("cardctl issue with the same order, which asks for the PINs again", "同じ申請で cardctl issue (暗証番号を再入力)")
	case failure.PrintDoubt:
		return "cardctl job resume " + j.ID + " [--printed]"
	}
	return "cardctl job resume " + j.ID
}

// reasonOf is why a job is held or spoiled.
func reasonOf(j *client.Job) message {
	return message{Code: j.Code, Text: j.Reason, Japanese: inJapanese(failure.Code(j.Code))}
}
