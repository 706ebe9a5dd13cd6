// What every JavaScript client of these tests does: connect, look at everything, do what the plan says, and print
// one JSON object about it. Any failure is a message on stderr and a status that is not zero.
//
//   node legacy-client.mjs URL [PLAN] [--sse]
//
// PLAN is JSON; each part may be left out:
//   {"call": [{"name": "…", "arguments": {…}, "fails": true}],   fails: an error is expected
//    "read": ["uri"],
//    "prompt": {"name": "…", "arguments": {…}},
//    "complete": {"ref": {…}, "argument": {"name": "…", "value": "…"}},
//    "elicit": {…},    the content that every elicitation is accepted with
//    "sample": "…",    the text that every sampling request is answered with
//    "roots": [{…}]}   the roots that the client has
import { parseArgs } from "node:util";

/** Runs a client. `make` connects it and says how it calls a tool, where the versions of the SDK differ. */
export async function main(make, options = {}) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  const [url, plan = "{}"] = positionals;
  if (!url) throw new Error("usage: URL [PLAN] [options]");
  const summary = await visit(new URL(url), JSON.parse(plan), values, make);
  console.log(JSON.stringify(summary));
  process.exit(0); // An open event stream must not keep us here.
}

async function visit(url, plan, options, make) {
  const asked = [];
  const capabilities = {
    ...(plan.elicit !== undefined && { elicitation: {} }),
    ...(plan.sample !== undefined && { sampling: {} }),
    ...(plan.roots !== undefined && { roots: {} }),
  };
  const handlers = {
    "elicitation/create": (request) => {
      asked.push(`elicitation/create: ${request.params.message}`);
      return { action: "accept", content: plan.elicit };
    },
    "sampling/createMessage": () => {
      asked.push("sampling/createMessage");
      return { role: "assistant", model: "none", content: { type: "text", text: plan.sample } };
    },
    "roots/list": () => {
      asked.push("roots/list");
      return { roots: plan.roots };
    },
  };
  const wanted = Object.entries(handlers).filter(([method]) => method.split("/")[0] in capabilities);
  const { client, era, protocolVersion, callTool } = await make({ url, capabilities, handlers: wanted, options });

  const offered = client.getServerCapabilities() ?? {};
  const list = async (offers, method, key, name) => (offers ? await every(client, method, key, name) : []);
  const summary = {
    era,
    protocolVersion,
    server: client.getServerVersion()?.name,
    capabilities: Object.keys(offered).sort(),
    tools: await list(offered.tools, "listTools", "tools", "name"),
    prompts: await list(offered.prompts, "listPrompts", "prompts", "name"),
    resources: await list(offered.resources, "listResources", "resources", "uri"),
    templates: await list(offered.resources, "listResourceTemplates", "resourceTemplates", "uriTemplate"),
    calls: {},
    progress: {},
    read: {},
  };
  for (const { fails = false, ...call } of plan.call ?? []) {
    const progress = [];
    summary.calls[call.name] = await outcome(callTool, call, fails, progress);
    if (progress.length) summary.progress[call.name] = progress;
  }
  for (const uri of plan.read ?? []) {
    summary.read[uri] = (await client.readResource({ uri })).contents.map((part) => part.text ?? part.blob).join("\n");
  }
  if (plan.prompt) {
    summary.prompt = (await client.getPrompt(plan.prompt)).messages.map(({ content }) => block(content)).join("\n");
  }
  if (plan.complete) summary.completion = (await client.complete(plan.complete)).completion.values;
  if (era === "legacy") await client.ping();
  if (asked.length) summary.asked = asked;
  await client.close();
  return summary;
}

/** The names on all pages of a list. */
async function every(client, method, key, name) {
  const names = [];
  let cursor;
  do {
    const page = await client[method](cursor === undefined ? undefined : { cursor });
    names.push(...page[key].map((item) => item[name]));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return names;
}

/** What a call said, if it succeeded or failed as it should. */
async function outcome(callTool, call, fails, progress) {
  let text, failed;
  try {
    const result = await callTool(call, { onprogress: (note) => progress.push(note.progress) });
    [text, failed] = [result.content.map(block).join("\n"), result.isError ?? false];
  } catch (error) {
    if (!fails) throw error;
    [text, failed] = [error.message, true];
  }
  if (failed !== fails) throw new Error(`${call.name} ${failed ? "failed" : "did not fail"}: ${text}`);
  return text;
}

/** A content block as text. */
function block(content) {
  const place = content.resource?.uri ?? content.uri ?? content.mimeType;
  return content.text ?? `[${content.type} ${place}]`;
}
