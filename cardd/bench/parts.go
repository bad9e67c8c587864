package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"jukicard/cardd/internal/journal"
	"jukicard/cardd/internal/order"
	"jukicard/printer/face"
	"jukicard/simulator/people"
)

const (
	faceRuns    = 9
	parseRuns   = 200
	journalRuns = 200
)

// measureParts times what an issue spends its host time on, each alone.
func measureParts(ctx context.Context, r *report) error {
	return withDir(func(dir string) error {
		p, err := people.Get("adult", time.Time{})
		if err != nil {
			return err
		}
		if err := measureOrder(r, dir); err != nil {
			return fmt.Errorf("order: %w", err)
		}
		if err := measureFace(r, p); err != nil {
			return fmt.Errorf("face: %w", err)
		}
		if err := measureJournal(ctx, r, dir); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		return nil
	})
}

// measureOrder reads an order with its photograph inside and judges its fields, but
// not its picture and glyphs.
func measureOrder(r *report, dir string) error {
	a, err := apply(filepath.Join(dir, "person"), "adult")
	if err != nil {
		return err
	}
	took, err := lasting(parseRuns, func() error {
		o, err := order.Parse(a.wire, nil, order.Checks{})
		if err == nil {
			o.Destroy()
		}
		return err
	})
	if err != nil {
		return err
	}
	r.count("order_json_bytes", len(a.wire), "B", none)
	r.add("order_parse_time", micro(took), "us", none)
	return nil
}

// measureFace draws the printed face and the images of the chip. The font is loaded
// before, as a daemon has it.
func measureFace(r *report, p people.Person) error {
	fonts, err := face.LoadFonts()
	if err != nil {
		return err
	}
	photo, err := face.DecodePhoto(p.Photo)
	if err != nil {
		return err
	}
	d := face.Data{
		Name: "山田　太郎", Address: "架空県架空市見本町１－２－３", BirthText: "昭和５５年２月１７日", SexText: "男",
		MyNumber: "999900000018", SecurityCode: "2285", CardID: "0999000000000000",
		ExpiryText: "2036年2月17日まで有効", Mayor: "架空市長", Photo: photo,
	}
	render, err := lasting(faceRuns, func() error {
		_, err := fonts.Render(face.DefaultLayout, d)
		return err
	})
	if err != nil {
		return err
	}
	images, err := lasting(faceRuns, func() error {
		_, err := fonts.ChipImages(d)
		return err
	})
	if err != nil {
		return err
	}
	r.add("face_render_time", micro(render)/1e3, "ms", none)
	r.add("chip_images_time", micro(images)/1e3, "ms", none)
	return nil
}

// measureJournal appends records, each synced to the disk that holds temporary files.
func measureJournal(ctx context.Context, r *report, dir string) error {
	j, err := journal.Open(ctx, filepath.Join(dir, "journal.db"))
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	const job = "bench"
	if err := j.Create(ctx, journal.Job{ID: job, OrderID: job, Station: job}, nil); err != nil {
		return err
	}
	body := []byte(`{"kind":"intent","step":"update jpki/sign-cert"}`)
	took, err := lasting(journalRuns, func() error {
		_, err := j.Append(ctx, job, journal.Record{Kind: journal.Intent, Step: "update jpki/sign-cert", Body: body})
		return err
	})
	if err != nil {
		return err
	}
	r.add("journal_append_time", micro(took), "us", none)
	return nil
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
