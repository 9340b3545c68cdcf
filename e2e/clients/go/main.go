package main

import (
	"context"
	"log"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

var _ = attribute.String
var _ = codes.Error
var _ = otel.Tracer
var _ = trace.NewTracerProvider
var _ *otlptrace.Exporter
var _ = otlptracegrpc.New
var _ = otlptracehttp.New

func main() { log.Print(context.Background(), os.Args) }
