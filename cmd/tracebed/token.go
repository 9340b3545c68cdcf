package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/httpapi"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Create, list and revoke tokens on a server or a closed data directory",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command token %q", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newTokenCreate(), newTokenList(), newTokenRevoke())
	return cmd
}

// withClient runs fn against the target and closes it afterwards.
func (t *target) withClient(a access, fn func(c *client) error) (err error) {
	c, err := t.connect(a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return fn(c)
}

func newTokenCreate() *cobra.Command {
	var t target
	var apps, rights []string
	var expires time.Duration
	var rate float64
	var bytes byteSize
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a token and print it, once",
		Long: `Creates a token and prints it on the standard output. It cannot be read again: only its hash is stored.
Rights: write (ingest), read, admin (tokens, deletes; implies the others).`,
		Example: "  tracebed token create ci --apps support --rights write --server http://127.0.0.1:8787",
		Args:    exactArgs(1, "the name of the token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if expires < 0 {
				return usage("--expires %v is in the past", expires)
			}
			body := map[string]any{"name": args[0], "rights": rights, "apps": apps}
			if len(apps) == 1 && apps[0] == "*" {
				body["apps"] = "*"
			}
			if expires > 0 {
				body["expires_at"] = time.Now().Add(expires).UTC().Format(time.RFC3339)
			}
			if rate < 0 {
				return usage("--rate %v is negative", rate)
			}
			if rate > 0 {
				body["requests_per_second"] = rate
			}
			if bytes > 0 {
				body["bytes_per_second"] = int64(bytes)
			}
			return t.withClient(writing, func(c *client) error {
				var made struct {
					Token string `json:"token"`
				}
				if err := c.call(cmd.Context(), http.MethodPost, "/v1/tokens", body, &made); err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "Keep it now: it cannot be shown again.")
				fmt.Fprintln(cmd.OutOrStdout(), made.Token)
				return nil
			})
		},
	}
	t.flags(cmd)
	cmd.Flags().StringSliceVar(&apps, "apps", []string{"*"}, "apps that it may see, or * for all")
	cmd.Flags().StringSliceVar(&rights, "rights", []string{"write", "read"}, "what it may do: write, read, admin")
	cmd.Flags().Float64Var(&rate, "rate", 0, "requests a second that it may send; ten seconds' worth may come at once (0 = the server's --token-rate)")
	cmd.Flags().Var(&bytes, "bytes", "bytes of bodies a second, inflated, such as 1MiB (unset = the server's --token-bytes)")
	cmd.Flags().DurationVar(&expires, "expires", 0, "how long it is valid, such as 720h (0 = for ever)")
	return cmd
}

func newTokenList() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tokens: names, apps, rights, dates, never the tokens themselves",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withClient(reading, func(c *client) error {
				return listTokens(cmd.Context(), c, cmd.OutOrStdout())
			})
		},
	}
	t.flags(cmd)
	return cmd
}

func listTokens(ctx context.Context, c *client, out io.Writer) error {
	var all []httpapi.Token
	if err := c.call(ctx, http.MethodGet, "/v1/tokens", nil, &all); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tAPPS\tRIGHTS\tLIMITS\tCREATED\tEXPIRES")
	for _, t := range all {
		apps, expires := "*", "never"
		if !t.Apps.All {
			apps = strings.Join(t.Apps.Apps, ",")
		}
		if t.ExpiresAt != nil {
			expires = t.ExpiresAt.UTC().Format(time.RFC3339)
			if t.ExpiresAt.Before(time.Now()) {
				expires += " (expired)"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, apps, strings.Join(t.Rights, ","), limitText(t), t.CreatedAt.UTC().Format(time.RFC3339), expires)
	}
	return w.Flush()
}

// limitText prints the limits of a token.
func limitText(t httpapi.Token) string {
	var parts []string
	if t.Requests > 0 {
		parts = append(parts, fmt.Sprintf("%v requests/s", t.Requests))
	}
	if t.Bytes > 0 {
		parts = append(parts, sizeText(t.Bytes)+"/s")
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func newTokenRevoke() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "revoke NAME|ID",
		Short: "Revoke a token",
		Args:  exactArgs(1, "the name or id of the token"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withClient(writing, func(c *client) error {
				var gone httpapi.Token
				err := c.call(cmd.Context(), http.MethodDelete, "/v1/tokens/"+url.PathEscape(args[0]), nil, &gone)
				var api *apiError
				if errors.As(err, &api) && api.Status == http.StatusNotFound {
					return fail(fmt.Errorf("there is no token %q", args[0]), "tracebed token list shows names and ids")
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "revoked %s (%s)\n", gone.Name, gone.ID)
				return nil
			})
		},
	}
	t.flags(cmd)
	return cmd
}
