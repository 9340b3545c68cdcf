package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
)

// The whole life of a store: open, record, read, close. vfs.NewMem keeps it in
// memory; leave FS out to use the disk.
func ExampleOpen() {
	store, err := engine.Open("traces", engine.Options{FS: vfs.NewMem()})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }()

	runs, _, err := dynamiq.Parse([]byte(`{"runs":[{"id":"r1","trace_id":"t1","name":"Workflow","type":"workflow",
		"start_time":"2026-06-10T09:00:00Z","end_time":"2026-06-10T09:00:02.5Z","status":"succeeded",
		"input":{"question":"Oslo or Rome?"},"output":"Rome"}]}`), dynamiq.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if _, err := store.Ingest(ctx, "my-app", runs); err != nil { // durable when it returns
		log.Fatal(err)
	}
	page, err := store.List(ctx, "my-app", engine.ListQuery{Page: 1, PageSize: 20})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.TotalCount, page.Rows[0].ID, page.Rows[0].Sample.DurationUS)
	// Output: 1 t1 2500000
}
