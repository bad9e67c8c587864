package api

import (
	"context"
	"maps"
	"slices"

	"jukicard/cardd/client"
	"jukicard/cardd/internal/failure"
	"jukicard/cardd/internal/printers"
	"jukicard/cardd/internal/station"
	"jukicard/printer"
)

// printerPath is the printer a path names.
type printerPath struct {
	Name string `path:"name" maxLength:"32" doc:"name in the configuration"`
}

// PrinterPath is printerPath for huma, which reads embedded fields of exported types only.
type PrinterPath = printerPath

func (s *Server) printers(ctx context.Context, _ *struct{}) (*body[[]client.Printer], error) {
	out := []client.Printer{}
	for _, name := range slices.Sorted(maps.Keys(s.d.Printers)) {
		out = append(out, s.printerOf(ctx, s.d.Printers[name]))
	}
	return &body[[]client.Printer]{Body: out}, nil
}

func (s *Server) printer(ctx context.Context, in *PrinterPath) (*body[client.Printer], error) {
	p, err := s.d.PrinterNamed(in.Name)
	if err != nil {
		return nil, asFailure(err)
	}
	return &body[client.Printer]{Body: s.printerOf(ctx, p)}, nil
}

// testCard and clean are a technician's. A printer that holds somebody's card does neither.
func (s *Server) testCard(ctx context.Context, in *PrinterPath) (*body[client.Printer], error) {
	return s.maintain(ctx, in.Name, (*printers.Printer).PrintTest)
}

func (s *Server) clean(ctx context.Context, in *PrinterPath) (*body[client.Printer], error) {
	return s.maintain(ctx, in.Name, (*printers.Printer).Clean)
}

// emptied is a person's word that no card is inside any more.
func (s *Server) emptied(ctx context.Context, in *PrinterPath) (*body[client.Printer], error) {
	p, err := s.d.PrinterNamed(in.Name)
	if err != nil {
		return nil, asFailure(err)
	}
	at, err := s.d.At(in.Name)
	if err == nil {
		err = at.Emptied()
	}
	if err != nil {
		return nil, asFailure(err)
	}
	return &body[client.Printer]{Body: s.printerOf(ctx, p)}, nil
}

func (s *Server) maintain(ctx context.Context, name string, do func(*printers.Printer, context.Context) error) (*body[client.Printer], error) {
	p, err := s.d.PrinterNamed(name)
	if err != nil {
		return nil, asFailure(err)
	}
	at, err := s.d.At(name)
	if err == nil {
		err = at.Maintain(ctx, func(ctx context.Context) error { return do(p, ctx) })
	}
	if err != nil {
		return nil, asFailure(err)
	}
	return &body[client.Printer]{Body: s.printerOf(ctx, p)}, nil
}

// printerOf asks a printer, without waiting for one that is at work.
func (s *Server) printerOf(ctx context.Context, p *printers.Printer) client.Printer {
	configured := s.d.Config.Printers[p.Name]
	out := client.Printer{Name: p.Name, Kind: p.Kind, Address: p.Address, Station: configured.Station, Reader: configured.Reader}
	st, err := p.Glance(ctx)
	if err != nil {
		err = station.PrinterFailure(err)
		out.Error = &client.Message{Code: string(failure.CodeOf(err)), Text: err.Error()}
		return out
	}
	if !st.Busy() {
		id, err := p.Identity(ctx)
		if err == nil {
			out.Maker, out.Model, out.Serial, out.Firmware, out.DPI = id.Maker, id.Model, id.Serial, id.Firmware, id.DPI
		}
	}
	out.Position, out.Printed = st.Position.String(), st.CardsPrinted
	for _, x := range st.Supplies {
		out.Supplies = append(out.Supplies, client.Supply{Name: x.Name, Kind: x.Kind, Remaining: x.Remaining, Capacity: x.Capacity})
	}
	for _, w := range printers.Warnings(st.Supplies) {
		out.Warnings = append(out.Warnings, w.Text)
	}
	out.Faults = troubles(st.Faults)
	return out
}

func troubles(faults []printer.Fault) (out []client.Trouble) {
	for _, f := range faults {
		out = append(out, client.Trouble{Code: f.Code, Kind: f.Kind.String(), Text: f.Text})
	}
	return out
}
