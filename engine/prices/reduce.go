//go:build ignore

// Reduce makes default.json.zst from the price file of LiteLLM: only models
// that are called by tokens, only the members that Load reads, and no model
// whose prices are all zero, since there zero means that nobody knows (models
// on one's own machine, seats, previews). Run it in this folder:
//
//	go run reduce.go model_prices_and_context_window.json "litellm 1.109.1" 2026-11-22
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"regexp"

	"github.com/klauspost/compress/zstd"
)

var (
	modes = map[string]bool{"chat": true, "completion": true, "responses": true, "embedding": true, "rerank": true}
	keep  = regexp.MustCompile(`^(litellm_provider|output_cost_per_reasoning_token|((input|output)_cost_per_token|` +
		`cache_(read|creation)_input_token_cost)(_above_\d+k_tokens)?)$`)
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go run reduce.go FILE VERSION DATE")
	}
	text, err := os.ReadFile(os.Args[1])
	check(err)
	license, err := os.ReadFile("LICENSE.litellm")
	check(err)
	var models map[string]map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	check(d.Decode(&models))
	out := map[string]any{
		"_source":  os.Args[2] + ", model_prices_and_context_window.json, https://github.com/BerriAI/litellm",
		"_taken":   os.Args[3],
		"_license": string(license),
	}
	for name, all := range models {
		mode, _ := all["mode"].(string)
		if name == "sample_spec" || !modes[mode] {
			continue
		}
		model, priced := map[string]any{}, false
		for member, value := range all {
			if keep.MatchString(member) && value != nil {
				model[member] = value
			}
		}
		for _, member := range []string{"input_cost_per_token", "output_cost_per_token"} {
			if n, ok := all[member].(json.Number); ok {
				f, err := n.Float64()
				check(err)
				priced = priced || f > 0
			}
		}
		if mode == "embedding" || mode == "rerank" {
			model["mode"] = mode
		}
		if priced {
			out[name] = model
		}
	}
	reduced, err := json.Marshal(out) // in order of names
	check(err)
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(1<<20))
	check(err)
	packed := w.EncodeAll(reduced, nil)
	check(os.WriteFile("default.json.zst", packed, 0o644))
	fmt.Printf("%d models, %d bytes, %d packed\n", len(out)-3, len(reduced), len(packed))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
