package main

import (
	"context"
	"fmt"
	"strings"

	"jukicard/apdu/card"
)

// controlRow is what a card says of an application in its answer to SELECT. What real
// cards say there is not public: a technician with one may find out.
type controlRow struct {
	Bytes       string `json:"bytes"` // hex, as answered
	Template    string `json:"template,omitempty"`
	Name        string `json:"name,omitempty"` // hex
	ID          string `json:"identifier,omitempty"`
	Descriptor  string `json:"descriptor,omitempty"` // hex
	LifeCycle   string `json:"life_cycle_status,omitempty"`
	CommandData int    `json:"command_data,omitempty"`
	Problem     string `json:"problem,omitempty"` // why it cannot be read
}

// selectAsking selects an application and says what the card tells of it; nil where it
// tells nothing.
func selectAsking(ctx context.Context, c *opened, app string) (*controlRow, error) {
	answer, err := c.SelectAsking(ctx, app)
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	return controlOf(answer), nil
}

func controlOf(answer []byte) *controlRow {
	row := &controlRow{Bytes: fmt.Sprintf("%X", answer)}
	got, err := card.ParseControl(answer)
	if err != nil {
		row.Problem = err.Error()
		return row
	}
	row.Template, row.Name, row.Descriptor, row.CommandData = got.Template.String(), hexText(got.Name), hexText(got.Descriptor), got.CommandData
	if got.ID != 0 {
		row.ID = fmt.Sprintf("%04X", uint16(got.ID))
	}
	if got.LifeCycle != 0 {
		row.LifeCycle = fmt.Sprintf("%02X", got.LifeCycle)
	}
	return row
}

func hexText(b []byte) string { return fmt.Sprintf("%X", b) }

// controlText is a row in one line.
func (a *app) controlText(row *controlRow) string {
	if row.Problem != "" {
		return row.Bytes + " (" + row.Problem + ")"
	}
	parts := []string{row.Template}
	for _, p := range []struct{ en, ja, value string }{
		{"name", "名称", row.Name}, {"identifier", "識別子", row.ID}, {"descriptor", "記述子", row.Descriptor}, {"life-cycle status", "状態", row.LifeCycle},
	} {
		if p.value != "" {
			parts = append(parts, a.in2(p.en, p.ja)+" "+p.value)
		}
	}
	if row.CommandData > 0 {
		parts = append(parts, fmt.Sprintf(a.in2("at most %d bytes a command", "命令は%dバイトまで"), row.CommandData))
	}
	return strings.Join(parts, ", ")
}
