// Command travel sends one trace over the protocol that
// OTEL_EXPORTER_OTLP_PROTOCOL names; other settings are those of the SDK.
package main

import (
	"context"
	"log"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	client := otlptracehttp.NewClient()
	if os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc" {
		client = otlptracegrpc.NewClient()
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	tracer := provider.Tracer("travel")
	inner, root := tracer.Start(ctx, "travel-tips")
	root.SetAttributes(attribute.String("session.id", "s-42"))
	_, span := tracer.Start(inner, "answer")
	span.SetAttributes(attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.request.model", "gpt-4o-mini"),
		attribute.Int("gen_ai.usage.input_tokens", 412), attribute.Int("gen_ai.usage.output_tokens", 38))
	span.End()
	root.End()
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
