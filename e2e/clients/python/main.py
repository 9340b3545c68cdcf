"""Sends one trace over the protocol that OTEL_EXPORTER_OTLP_PROTOCOL names."""
import os

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("travel")
with tracer.start_as_current_span("travel-tips") as root:
    root.set_attribute("session.id", "s-42")
    with tracer.start_as_current_span("answer") as span:
        span.set_attributes({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 412, "gen_ai.usage.output_tokens": 38,
        })
provider.shutdown()
