package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/engine/prices"
	"github.com/tracebed/tracebed/engine/trace"
)

// priceFiles is a flag value that says where prices are from: off, or files
// laid over each other, of which "default" is the built-in table.
type priceFiles []string

const (
	pricesOff     = "off"
	pricesDefault = "default"
	pricesHelp    = `price file in LiteLLM's format, from which costs that were not sent are estimated; several with commas,
later ones over earlier ones; default is the built-in table, off estimates nothing`
)

// Set takes a comma list; pflag calls it.
func (p *priceFiles) Set(s string) error {
	names := strings.Split(s, ",")
	for _, name := range names {
		if name == "" {
			return fmt.Errorf("%q is not a list of price files such as default,my-prices.json", s)
		}
		if name == pricesOff && len(names) > 1 {
			return errors.New("off stands alone")
		}
	}
	*p = names
	return nil
}

func (p *priceFiles) String() string { return strings.Join(*p, ",") }

// Type names the value in the help; pflag calls it.
func (p *priceFiles) Type() string { return "FILE|default|off" }

// load reads the tables; nil for off.
func (p priceFiles) load() (*prices.Table, error) {
	var book *prices.Table
	for _, name := range p {
		if name == pricesOff {
			return nil, nil
		}
		table, err := loadPrices(name)
		if err != nil {
			return nil, fail(fmt.Errorf("read the prices in %s: %w", name, err),
				"correct the file given with --prices; tracebed prices --prices FILE checks it")
		}
		if book != nil {
			table = book.Overlay(table)
		}
		book = table
	}
	return book, nil
}

func loadPrices(name string) (*prices.Table, error) {
	if name == pricesDefault {
		return prices.Default(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return prices.Load(f)
}

// pricer is load for those who estimate; nil for off.
func (p priceFiles) pricer() (trace.Pricer, error) {
	book, err := p.load()
	if book == nil {
		return nil, err
	}
	return book.Estimate, nil
}

type pricesFlags struct {
	files   priceFiles
	at      instant
	license bool
}

func newPrices() *cobra.Command {
	f := &pricesFlags{files: priceFiles{pricesDefault}, at: instant{now: time.Now}}
	cmd := &cobra.Command{
		Use:   "prices [MODEL…]",
		Short: "Show what a model resolves to in the price table, and how",
		Long: `Shows for each model which entry of the price table is taken for it, by which rule, and its prices in USD per
million tokens; without a model, the whole table. Exit code 1 says that at least one model has no price.

A price file is a JSON object of model → prices per token as LiteLLM has them; a model may have a list of them, each
with "effective_from", a date or an RFC 3339 time. The price in force when a run started counts.`,
		Example: "  tracebed prices openai/gpt-4o-mini-2024-07-18\n  tracebed prices --prices default,ours.json --at 2026-01-31 our-model",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(args, cmd.OutOrStdout())
		},
	}
	fs := cmd.Flags()
	fs.Var(&f.files, "prices", pricesHelp)
	fs.Var(&f.at, "at", "time of the call: RFC 3339, a date, or a duration ago such as 24h (default now)")
	fs.BoolVar(&f.license, "license", false, "print the licence of the table and nothing else")
	return cmd
}

func (f *pricesFlags) run(models []string, out io.Writer) error {
	book, err := f.files.load()
	if err != nil {
		return err
	}
	if book == nil {
		return usage("--prices off has no prices to show")
	}
	if f.license {
		_, err := fmt.Fprintln(out, strings.TrimSpace(book.Note("_license")))
		return err
	}
	when := f.at.at
	if f.at.text == "" {
		when = f.at.now()
	}
	fmt.Fprintf(out, "%s: %s models%s; USD per million tokens at %s\n", f.files.String(), countText(int64(book.Len())),
		about(book), when.UTC().Format(time.RFC3339))
	if len(models) == 0 {
		models = book.Names()
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tENTRY\tHOW\tINPUT\tOUTPUT\tCACHE READ\tCACHE WRITE\tREASONING\tIN FORCE\tPROMPTS ABOVE")
	unknown := 0
	for _, model := range models {
		p, matched, how := book.Lookup(model, trace.Time{NS: when.UnixNano(), Valid: true})
		if p == nil {
			unknown++
			fmt.Fprintf(w, "%s\t-\t%s\t\t\t\t\t\t\t\n", model, how)
			continue
		}
		writePrice(w, model, matched, string(how), p)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if unknown > 0 {
		return fail(fmt.Errorf("%d of %d models have no price", unknown, len(models)),
			"their runs count as unpriced; add them to a file of your own: --prices default,FILE")
	}
	return nil
}

// about is what a table says of its origin.
func about(book *prices.Table) string {
	text := ""
	for _, name := range []string{"_source", "_taken"} {
		if note := book.Note(name); note != "" {
			text += ", " + strings.TrimPrefix(name, "_") + " " + note
		}
	}
	return text
}

// writePrice writes a line for the price, and one for each tier of it.
func writePrice(w io.Writer, model, matched, how string, p *prices.Price) {
	from := "always"
	if p.FromNS != math.MinInt64 {
		from = "since " + time.Unix(0, p.FromNS).UTC().Format(time.RFC3339)
	}
	line := func(model, matched, how, from, above string, r prices.Rates) {
		fmt.Fprintf(w, "%s\t%s\t%s", model, matched, how)
		for _, rate := range []prices.Rate{r.Input, r.Output, r.CacheRead, r.CacheWrite, r.Reasoning} {
			text := "-"
			if rate.Known() {
				text = rate.PerMillion()
			}
			fmt.Fprintf(w, "\t%s", text)
		}
		fmt.Fprintf(w, "\t%s\t%s\n", from, above)
	}
	line(model, matched, how, from, "-", p.Rates)
	for _, t := range p.Tiers {
		line("", "", "", "", countText(t.Above), t.Rates)
	}
}
