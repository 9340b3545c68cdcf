// Sends one trace over the protocol that OTEL_EXPORTER_OTLP_PROTOCOL names.
import { trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK();
sdk.start();
const tracer = trace.getTracer("travel");
tracer.startActiveSpan("travel-tips", (root) => {
  root.setAttribute("session.id", "s-42");
  tracer.startActiveSpan("answer", (span) => {
    span.setAttributes({
      "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.usage.input_tokens": 412, "gen_ai.usage.output_tokens": 38,
    });
    span.end();
  });
  root.end();
});
await sdk.shutdown();
