//! The `everything` server: one small example of each thing that a server can offer, to try a client with.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call, Fault, failed, text};
use super::server::Service;

/// Holds nothing: every answer follows from the question.
pub(super) struct Everything;

const STATIC_URI: &str = "demo://resource/static";
const TEMPLATE: &str = "demo://resource/{id}";
const STYLES: [&str; 4] = ["casual", "formal", "friendly", "technical"];
const TEMPERATURES: [&str; 4] = ["0", "0.5", "0.7", "1.0"];
/// A completion has at most this many values.
const MAX_VALUES: usize = 100;
/// Eight by eight pixels, a PNG.
const TINY_IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAABlBMVEUxLoH7vySnmudrAAAAFklEQVR42mNgYEgDQgaGRobDDHUMDAAScAKPoJqq8AAAAABJRU5ErkJggg==";

impl Service for Everything {
    fn name(&self) -> &'static str {
        "agentgateway-everything"
    }

    fn capabilities(&self) -> Value {
        json!({"tools": {}, "prompts": {}, "resources": {}, "completions": {}, "logging": {}})
    }

    fn instructions(&self) -> &'static str {
        "Examples of tools, prompts and resources, for trying things out. None of them has an effect."
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match call.method.as_str() {
            "tools/list" => Ok(tools()),
            "tools/call" => use_tool(call),
            "prompts/list" => Ok(prompts()),
            "prompts/get" => prompt(call),
            "resources/list" => Ok(json!({"resources": [link(STATIC_URI, "static")]})),
            "resources/templates/list" => Ok(templates()),
            "resources/read" => {
                let uri = call.text("uri")?;
                Ok(json!({"contents": [resource(uri).ok_or_else(|| call.no_such_resource(uri))?]}))
            }
            "completion/complete" => complete(call),
            _ => Err(call.no_such_method()),
        }
    }
}

// ---- Tools

#[derive(Deserialize)]
struct Echo {
    message: String,
}

#[derive(Deserialize)]
struct Add {
    a: f64,
    b: f64,
}

#[derive(Deserialize)]
#[serde(default)]
struct LongOperation {
    /// Seconds.
    duration: f64,
    steps: u64,
}

#[derive(Deserialize)]
#[serde(default)]
struct Which {
    id: u64,
}

impl Default for LongOperation {
    fn default() -> Self {
        Self { duration: 10.0, steps: 5 }
    }
}

impl Default for Which {
    fn default() -> Self {
        Self { id: 1 }
    }
}

fn use_tool(call: &Call<'_>) -> Answer {
    let name = call.text("name")?;
    call.log_info(&format!("tool {name} is called"));
    let result = match name {
        "echo" => call.arguments().map(|Echo { message }| text(format!("Echo: {message}"))),
        "add" => call.arguments().map(|Add { a, b }| text(format!("The sum of {a} and {b} is {}.", a + b))),
        "long_operation" => match call.arguments() {
            Ok(operation) => return long_operation(call, &operation),
            Err(error) => Err(error),
        },
        "get_tiny_image" => Ok(json!({"content": [tiny_image()]})),
        "get_resource_link" => call.arguments().map(|Which { id }| {
            let mut block = link(&format!("demo://resource/{id}"), &id.to_string());
            block["type"] = json!("resource_link");
            json!({"content": [block]})
        }),
        "get_embedded_resource" => call.arguments().map(|Which { id }| {
            json!({"content": [{"type": "resource", "resource": contents(&format!("demo://resource/{id}"), id)}]})
        }),
        _ => return Err(Fault::invalid_params(format!("Unknown tool: {name}"))),
    };
    Ok(result.unwrap_or_else(|error| failed(format!("invalid arguments: {error}"))))
}

fn long_operation(call: &Call<'_>, operation: &LongOperation) -> Answer {
    let LongOperation { duration, steps } = *operation;
    let Ok(step) = Duration::try_from_secs_f64(duration / steps.max(1) as f64) else {
        return Ok(failed("invalid arguments: `duration` must be a number of seconds, not negative"));
    };
    for done in 1..=steps {
        call.wait(step)?;
        call.progress(done, steps, &format!("step {done} of {steps}"));
    }
    Ok(text(format!("Long operation completed. Duration: {duration} seconds, steps: {steps}.")))
}

fn tools() -> Value {
    let id = json!({"type": "integer", "minimum": 0, "default": 1, "description": "Number of the resource"});
    json!({"tools": [
        tool("echo", "Echoes back the message", json!({
            "type": "object",
            "properties": {"message": {"type": "string", "description": "Message to echo"}},
            "required": ["message"],
        })),
        tool("add", "Adds two numbers", json!({
            "type": "object",
            "properties": {
                "a": {"type": "number", "description": "First number"},
                "b": {"type": "number", "description": "Second number"},
            },
            "required": ["a", "b"],
        })),
        tool("long_operation", "Takes its time, and reports progress to a client that asks for it", json!({
            "type": "object",
            "properties": {
                "duration": {"type": "number", "minimum": 0, "default": 10, "description": "Seconds it takes"},
                "steps": {"type": "integer", "minimum": 0, "default": 5, "description": "Progress reports"},
            },
        })),
        tool("get_tiny_image", "Returns a tiny image", json!({"type": "object"})),
        tool("get_resource_link", "Returns a link to a resource", json!({
            "type": "object", "properties": {"id": id},
        })),
        tool("get_embedded_resource", "Returns a resource with its contents", json!({
            "type": "object", "properties": {"id": id},
        })),
    ]})
}

fn tool(name: &str, description: &str, schema: Value) -> Value {
    json!({
        "name": name,
        "description": description,
        "inputSchema": schema,
        "annotations": {"readOnlyHint": true, "openWorldHint": false},
    })
}

// ---- Prompts and completion

fn prompt(call: &Call<'_>) -> Answer {
    let argument =
        |name| call.params.get("arguments").and_then(|given| given.get(name)).and_then(Value::as_str);
    match call.text("name")? {
        "simple_prompt" => {
            Ok(json!({"messages": [says("user", "This is a simple prompt without arguments.")]}))
        }
        "complex_prompt" => {
            let temperature = argument("temperature")
                .ok_or_else(|| Fault::invalid_params("complex_prompt needs the argument `temperature`"))?;
            let style = argument("style").unwrap_or("none");
            let question =
                format!("This is a prompt with arguments: temperature={temperature}, style={style}");
            Ok(json!({"messages": [
                says("user", &question),
                says("assistant", "I see the temperature and the style. What would you like me to do?"),
                {"role": "user", "content": tiny_image()},
            ]}))
        }
        unknown => Err(Fault::invalid_params(format!("Unknown prompt: {unknown}"))),
    }
}

fn prompts() -> Value {
    json!({"prompts": [
        {"name": "simple_prompt", "description": "A prompt without arguments"},
        {
            "name": "complex_prompt",
            "description": "A prompt with arguments that can be completed",
            "arguments": [
                {"name": "temperature", "description": "How freely to answer", "required": true},
                {"name": "style", "description": "How to sound", "required": false},
            ],
        },
    ]})
}

fn complete(call: &Call<'_>) -> Answer {
    let about = |outer: &str, inner: &str| {
        call.params.get(outer).and_then(|value| value.get(inner)).and_then(Value::as_str)
    };
    let (Some(argument), Some(typed)) = (about("argument", "name"), about("argument", "value")) else {
        return Err(Fault::invalid_params("`argument` must have a name and a value"));
    };
    let candidates: Vec<String> = match (about("ref", "name").or_else(|| about("ref", "uri")), argument) {
        (Some("complex_prompt"), "style") => STYLES.map(String::from).into(),
        (Some("complex_prompt"), "temperature") => TEMPERATURES.map(String::from).into(),
        (Some("simple_prompt"), _) => Vec::new(),
        (Some(TEMPLATE), "id") => (1..=200).map(|id| id.to_string()).collect(),
        _ => return Err(Fault::invalid_params("there is nothing of this name to complete")),
    };
    let fitting: Vec<_> = candidates.iter().filter(|value| value.starts_with(typed)).collect();
    let values = &fitting[..fitting.len().min(MAX_VALUES)];
    let completion =
        json!({"values": values, "total": fitting.len(), "hasMore": fitting.len() > values.len()});
    Ok(json!({"completion": completion}))
}

fn says(role: &str, words: &str) -> Value {
    json!({"role": role, "content": {"type": "text", "text": words}})
}

// ---- Resources

/// What is at a URI, if anything.
fn resource(uri: &str) -> Option<Value> {
    if uri == STATIC_URI {
        return Some(
            json!({"uri": uri, "mimeType": "text/plain", "text": "This resource is always the same."}),
        );
    }
    let digits = uri.strip_prefix("demo://resource/")?;
    digits.parse().ok().filter(|id: &u64| id.to_string() == digits).map(|id| contents(uri, id))
}

fn contents(uri: &str, id: u64) -> Value {
    json!({"uri": uri, "mimeType": "text/plain", "text": format!("This is resource {id}.")})
}

fn link(uri: &str, name: &str) -> Value {
    json!({"uri": uri, "name": name, "description": "An example of a resource", "mimeType": "text/plain"})
}

fn templates() -> Value {
    json!({"resourceTemplates": [{
        "uriTemplate": TEMPLATE,
        "name": "numbered",
        "description": "A resource for every number",
        "mimeType": "text/plain",
    }]})
}

fn tiny_image() -> Value {
    json!({"type": "image", "data": TINY_IMAGE, "mimeType": "image/png"})
}
