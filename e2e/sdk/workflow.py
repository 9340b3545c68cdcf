"""Runs apps with the real Dynamiq SDK, litellm and its own tracing handler.

Only the language model is made up, by the server at OPENAI_URL. DYNAMIQ_BASE_URL
and DYNAMIQ_ACCESS_KEY say where traces go, as they would for Dynamiq's own
collector. Prints what was run as JSON for the test to check.
"""
import asyncio
import json
import os
import threading
import uuid

from dynamiq import Workflow
from dynamiq.callbacks import DynamiqTracingCallbackHandler
from dynamiq.connections import OpenAI as OpenAIConnection
from dynamiq.flows import Flow
from dynamiq.nodes.agents import Agent
from dynamiq.nodes.llms import OpenAI
from dynamiq.nodes.node import NodeDependency
from dynamiq.nodes.operators import Choice
from dynamiq.nodes.operators.operators import ChoiceOption
from dynamiq.nodes.tools.function_tool import function_tool
from dynamiq.nodes.types import ChoiceCondition, ConditionOperator, InferenceMode
from dynamiq.prompts import Message, Prompt
from dynamiq.runnables import RunnableConfig
from dynamiq.types.streaming import StreamingConfig

ASKED = {"question": "Where to in June? \u00f8\U0001f600", "city": "Oslo", "user_id": "u-1", "big": 12345678901234567}
RAN = {}


@function_tool
def weather(city: str, **kwargs) -> str:
    """Gives the weather of a city."""
    return f"{city}: 17C"


def llm(name, model="gpt-4o-mini", depends=(), **kwargs):
    return OpenAI(
        id=name.lower(), name=name, model=model, connection=OpenAIConnection(),
        prompt=Prompt(messages=[Message(role="user", content="{{question}}")]),
        depends=[NodeDependency(node=node) for node in depends], **kwargs,
    )


def tool(name, depends=(), made=weather):
    node = made()
    node.id, node.name = name.lower(), name
    node.depends = [d if isinstance(d, NodeDependency) else NodeDependency(node=d) for d in depends]
    return node


def flow(*nodes):
    return Workflow(id="5e2d0000-0000-4000-8000-000000000001", version="7", flow=Flow(nodes=list(nodes)))


def simple(model="gpt-4o-mini"):
    answer = llm("Answer", model)
    return flow(answer, tool("Weather", [answer]))


def handler(**kwargs):
    return DynamiqTracingCallbackHandler(
        base_url=os.environ["DYNAMIQ_BASE_URL"], tags=["sdk", "e2e"], metadata={"environment": "test"}, **kwargs)


def ran(case, *handlers):
    RAN[case] = {"trace_id": str(handlers[0].trace_id), "session_id": str(handlers[0].session_id),
                 "runs": sum(len(h.runs) for h in handlers)}


def run(case, workflow, asked=ASKED, times=1, before=lambda config: None, **kwargs):
    traced = handler(**kwargs)
    config = RunnableConfig(callbacks=[traced])
    before(config)
    for _ in range(times):
        workflow.run(input_data=asked, config=config)
    ran(case, traced)


def main():
    run("good", simple(), session_id=str(uuid.uuid4()))
    run("failed", simple(), dict(ASKED, question="fail"))
    # One handler for two turns: the second flush repeats all runs of the first.
    run("reused", simple("unknown-model"), times=2, trace_id="my trace/1")

    guide = Agent(id="guide", name="Guide", role="You are a travel guide.", tools=[tool("Weather")],
                  llm=OpenAI(model="gpt-4o-mini", connection=OpenAIConnection()), inference_mode=InferenceMode.FUNCTION_CALLING)
    run("agent", flow(guide), {"input": "Where to in June?", "user_id": "u-1"})
    run("streaming", flow(llm("Answer", streaming=StreamingConfig(enabled=True, include_usage=True))))

    one, two = llm("One"), llm("Two")
    run("parallel", flow(one, two, tool("Weather", [one, two])))

    is_rome = ChoiceCondition(variable="$.city", operator=ConditionOperator.STRING_EQUALS, value="Rome")
    choice = Choice(id="choice", name="Choice", options=[ChoiceOption(id="rome", condition=is_rome), ChoiceOption(id="else")])
    run("skipped", flow(choice, tool("Rome", [NodeDependency(node=choice, option="rome")]),
                        tool("Other", [NodeDependency(node=choice, option="else")])))

    token = []

    @function_tool
    def stop(**kwargs) -> str:
        """Cancels the run it is part of."""
        token[0].cancel()
        return "stopped"

    first = tool("Stop", made=stop)
    run("canceled", flow(first, tool("Weather", [first])), before=lambda config: token.append(config.cancellation.token))

    # In an event loop the SDK posts from a thread.
    async def in_loop():
        traced = handler()
        await simple().run(input_data=ASKED, config=RunnableConfig(callbacks=[traced]))
        ran("async", traced)

    asyncio.run(in_loop())

    # Two threads at once: one handler for both, then one trace by two handlers.
    shared = handler()
    apart = [handler(trace_id="two threads", session_id="s") for _ in range(2)]
    for case, handlers in (("one handler", [shared, shared]), ("two handlers", apart)):
        threads = [threading.Thread(target=simple().run, kwargs={"input_data": ASKED, "config": RunnableConfig(callbacks=[h])})
                   for h in handlers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ran(case, *{id(h): h for h in handlers}.values())
    print(json.dumps(RAN))


if __name__ == "__main__":
    main()
