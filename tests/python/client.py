"""The Python SDK as a client: looks at everything, does what the plan says, and prints one JSON object about it.

    client.py URL [PLAN] [--era legacy|modern] [--sse]

PLAN and the object are those of tests/js/visit.mjs.
"""

import argparse
import asyncio
import json
import warnings

from mcp import Client, MCPDeprecationWarning, types
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPError


async def visit(options, plan):
    asked = []
    async with Client(
        sse_client(options.url) if options.sse else options.url,
        # A pinned version would skip `server/discover`, and with it the server's capabilities.
        mode="legacy" if options.era == "legacy" else "auto",
        **callbacks(plan, asked),
    ) as client:
        modern = client.protocol_version >= "2026-07-28"
        if modern != (options.era == "modern"):
            raise AssertionError(f"the server speaks {client.protocol_version}, which is not {options.era}")
        return await summary(client, plan, modern) | ({"asked": asked} if asked else {})


async def summary(client, plan, modern):
    offered = client.server_capabilities
    seen = {
        "era": "modern" if modern else "legacy",
        "protocolVersion": client.protocol_version,
        "server": client.server_info and client.server_info.name,
        "capabilities": sorted(offered.model_dump(by_alias=True, exclude_none=True)),
        "tools": await every(offered.tools, client.list_tools, "tools", "name"),
        "prompts": await every(offered.prompts, client.list_prompts, "prompts", "name"),
        "resources": await every(offered.resources, client.list_resources, "resources", "uri"),
        "templates": await every(
            offered.resources, client.list_resource_templates, "resource_templates", "uri_template"
        ),
        "calls": {},
        "progress": {},
        "read": {},
    }
    for call in plan.get("call", []):
        progress = []
        seen["calls"][call["name"]] = await call_tool(client, call, progress)
        if progress:
            seen["progress"][call["name"]] = progress
    for uri in plan.get("read", []):
        contents = (await client.read_resource(uri)).contents
        seen["read"][uri] = "\n".join(getattr(part, "text", None) or part.blob for part in contents)
    if "prompt" in plan:
        prompt = await client.get_prompt(plan["prompt"]["name"], plan["prompt"].get("arguments"))
        seen["prompt"] = "\n".join(block(message.content) for message in prompt.messages)
    if "complete" in plan:
        seen["completion"] = await complete(client, plan["complete"])
    if not modern:
        await client.send_ping()
    return seen


def callbacks(plan, asked):
    async def elicit(_context, params):
        asked.append(f"elicitation/create: {params.message}")
        return types.ElicitResult(action="accept", content=plan["elicit"])

    async def sample(_context, _params):
        asked.append("sampling/createMessage")
        content = types.TextContent(type="text", text=plan["sample"])
        return types.CreateMessageResult(role="assistant", model="none", content=content)

    async def roots(_context):
        asked.append("roots/list")
        return types.ListRootsResult(roots=[types.Root(**root) for root in plan["roots"]])

    wanted = {}
    if "roots" in plan:
        wanted["list_roots_callback"] = roots
    if "elicit" in plan:
        wanted["elicitation_callback"] = elicit
    if "sample" in plan:
        wanted["sampling_callback"] = sample
    return wanted


async def every(offered, method, key, name):
    """The names on all pages of a list, if the server has such a list."""
    names, cursor = [], None
    while offered:
        page = await method(cursor=cursor)
        names += [str(getattr(item, name)) for item in getattr(page, key)]
        cursor = page.next_cursor
        if cursor is None:
            break
    return names


async def call_tool(client, call, progress):
    async def on_progress(value, _total, _message):
        progress.append(int(value) if value.is_integer() else value)

    fails = call.get("fails", False)
    try:
        result = await client.call_tool(call["name"], call.get("arguments"), progress_callback=on_progress)
        text, failed = "\n".join(map(block, result.content)), bool(result.is_error)
    except MCPError as error:
        text, failed = str(error), True
    if failed != fails:
        raise AssertionError(f"{call['name']} {'failed' if failed else 'did not fail'}: {text}")
    return text


async def complete(client, wanted):
    reference = wanted["ref"]
    if reference["type"] == "ref/prompt":
        about = types.PromptReference(type="ref/prompt", name=reference["name"])
    else:
        about = types.ResourceTemplateReference(type="ref/resource", uri=reference["uri"])
    return (await client.complete(about, wanted["argument"])).completion.values


def block(content):
    """A content block as text."""
    if content.type == "text":
        return content.text
    place = content.resource.uri if content.type == "resource" else getattr(content, "uri", None) or content.mime_type
    return f"[{content.type} {place}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("plan", nargs="?", type=json.loads, default={})
    parser.add_argument("--era", choices=["legacy", "modern"], default="modern")
    parser.add_argument("--sse", action="store_true", help="the transport of 2024-11-05")
    options = parser.parse_intermixed_args()
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    print(json.dumps(asyncio.run(visit(options, options.plan)), ensure_ascii=False))
