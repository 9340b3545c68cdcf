"""Runs a small app with the real Dynamiq SDK and its own tracing handler.

The language model is the only made-up part: litellm is replaced by a module
that answers from a table, so that nothing leaves this machine. Arguments: the
address of a Tracebed server. DYNAMIQ_ACCESS_KEY holds the token, as it would
for Dynamiq's own collector. Prints what was run as JSON for the test to check.
"""
import asyncio
import json
import sys
import types
import uuid

import stubs

stubs.install()

litellm = stubs.module("litellm")


def completion(model, messages, **_):
    """Answers in the shape of a chat completion; "fail" makes it fail."""
    text = str(messages[-1]["content"])
    if "fail" in text:
        raise RuntimeError("429 quota reached")
    message = types.SimpleNamespace(content="Oslo is lovely in June.", tool_calls=None)
    return types.SimpleNamespace(
        choices=[types.SimpleNamespace(message=message, finish_reason="stop")],
        usage={"prompt_tokens": 412, "completion_tokens": 38, "total_tokens": 450},
    )


async def acompletion(**kwargs):
    return completion(**kwargs)


def cost_per_token(model, prompt_tokens, completion_tokens, **_):
    """The price of gpt-4o-mini; litellm raises for what it does not know."""
    if "gpt-4o-mini" not in model:
        raise ValueError("unknown model")
    return prompt_tokens * 1.5e-07, completion_tokens * 6e-07


def get_model_info(**_):
    raise ValueError("unknown model")


litellm.completion, litellm.acompletion = completion, acompletion
litellm.cost_per_token, litellm.get_model_info = cost_per_token, get_model_info
litellm.register_model = lambda *_: None
litellm.model_cost = {}

from dynamiq import Workflow  # noqa: E402
from dynamiq.callbacks import DynamiqTracingCallbackHandler  # noqa: E402
from dynamiq.connections import OpenAI as OpenAIConnection  # noqa: E402
from dynamiq.flows import Flow  # noqa: E402
from dynamiq.nodes.llms import OpenAI  # noqa: E402
from dynamiq.nodes.node import NodeDependency  # noqa: E402
from dynamiq.nodes.tools.function_tool import function_tool  # noqa: E402
from dynamiq.prompts import Message, Prompt  # noqa: E402
from dynamiq.runnables import RunnableConfig  # noqa: E402


@function_tool
def weather(city: str, **kwargs) -> str:
    """Gives the weather of a city."""
    return f"{city}: 17C"


def workflow(model):
    llm = OpenAI(
        id="answer", name="Answer", model=model, connection=OpenAIConnection(api_key="none"),
        prompt=Prompt(messages=[Message(role="user", content="{{question}}")]),
    )
    tool = weather()
    tool.name, tool.depends = "Weather", [NodeDependency(node=llm)]
    return Workflow(id="5e2d0000-0000-4000-8000-000000000001", version="7", flow=Flow(nodes=[llm, tool]))


def config(base_url, **kwargs):
    handler = DynamiqTracingCallbackHandler(base_url=base_url, tags=["sdk", "e2e"], metadata={"environment": "test"}, **kwargs)
    return handler, RunnableConfig(callbacks=[handler])


def main(base_url):
    ran = {}
    session = str(uuid.uuid4())
    asked = {"question": "Where to in June? \u00f8\U0001f600", "city": "Oslo", "user_id": "u-1", "big": 12345678901234567}

    handler, cfg = config(base_url, session_id=session)
    result = workflow("gpt-4o-mini").run(input_data=asked, config=cfg)
    ran["good"] = {"trace_id": str(handler.trace_id), "session_id": session, "status": result.status.value, "runs": len(handler.runs)}

    handler, cfg = config(base_url)
    result = workflow("gpt-4o-mini").run(input_data=dict(asked, question="fail"), config=cfg)
    ran["failed"] = {"trace_id": str(handler.trace_id), "status": result.status.value, "runs": len(handler.runs)}

    # One handler for two turns: the second flush repeats all runs of the first.
    handler, cfg = config(base_url, trace_id="my trace/1")
    for _ in range(2):
        workflow("unknown-model").run(input_data=asked, config=cfg)
    ran["reused"] = {"trace_id": "my trace/1", "status": "success", "runs": len(handler.runs)}

    # In an event loop the SDK posts from a thread.
    async def in_loop():
        handler, cfg = config(base_url)
        result = await workflow("gpt-4o-mini").run(input_data=asked, config=cfg)
        return {"trace_id": str(handler.trace_id), "status": result.status.value, "runs": len(handler.runs)}

    ran["async"] = asyncio.run(in_loop())
    print(json.dumps(ran))


if __name__ == "__main__":
    main(sys.argv[1])
