//! The `time` server: what time it is somewhere, with the tools of the well-known Python server of that name.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Answer, Call, Fault, failed};
use super::server::Service;

/// Answers from the time zone database that is compiled in.
pub(super) struct Time;

#[derive(Deserialize)]
struct CurrentTime {
    timezone: String,
}

#[derive(Deserialize)]
struct ConvertTime {
    source_timezone: String,
    time: String,
    target_timezone: String,
}

/// A moment as a place sees it.
#[derive(Serialize)]
struct Reading {
    timezone: String,
    datetime: String,
    day_of_week: String,
    is_dst: bool,
}

#[derive(Serialize)]
struct Conversion {
    source: Reading,
    target: Reading,
    time_difference: String,
}

impl Service for Time {
    fn name(&self) -> &'static str {
        "agentgateway-time"
    }

    fn capabilities(&self) -> Value {
        json!({"tools": {}})
    }

    fn instructions(&self) -> &'static str {
        "Time zones are IANA names such as Europe/Rome. Use Etc/UTC when the user names no place."
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match call.method.as_str() {
            "tools/list" => Ok(tools()),
            "tools/call" => use_tool(call, Timestamp::now()),
            _ => Err(call.no_such_method()),
        }
    }
}

fn use_tool(call: &Call<'_>, now: Timestamp) -> Answer {
    Ok(match call.text("name")? {
        "get_current_time" => outcome(call, |wanted| current_time(&wanted, now)),
        "convert_time" => outcome(call, |wanted| convert_time(&wanted, now)),
        unknown => return Err(Fault::invalid_params(format!("Unknown tool: {unknown}"))),
    })
}

/// The tool's value both as data and as text; what goes wrong is told to the model, which can correct itself.
fn outcome<A, T>(call: &Call<'_>, tool: impl FnOnce(A) -> Result<T, String>) -> Value
where
    A: serde::de::DeserializeOwned,
    T: Serialize,
{
    let value = call.arguments().map_err(|error| format!("invalid arguments: {error}")).and_then(tool);
    match value.and_then(|value| both_forms(&value).map_err(|error| error.to_string())) {
        Ok(result) => result,
        Err(reason) => failed(reason),
    }
}

fn both_forms(value: &impl Serialize) -> serde_json::Result<Value> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(json!({
        "content": [{"type": "text", "text": text}],
        "structuredContent": serde_json::to_value(value)?,
        "isError": false,
    }))
}

// ---- The tools

fn current_time(wanted: &CurrentTime, now: Timestamp) -> Result<Reading, String> {
    Ok(Reading::of(&now.to_zoned(zone(&wanted.timezone)?)))
}

fn convert_time(wanted: &ConvertTime, now: Timestamp) -> Result<Conversion, String> {
    let source = zone(&wanted.source_timezone)?;
    let target = zone(&wanted.target_timezone)?;
    let time = civil::Time::strptime("%H:%M", &wanted.time)
        .map_err(|_| format!("Invalid time {:?}. Expected HH:MM [24-hour format]", wanted.time))?;
    let today = now.to_zoned(source.clone()).date();
    let source = today.to_datetime(time).to_zoned(source).map_err(|error| error.to_string())?;
    let target = source.with_time_zone(target);
    let seconds = target.offset().seconds() - source.offset().seconds();
    Ok(Conversion {
        source: Reading::of(&source),
        target: Reading::of(&target),
        time_difference: hours(f64::from(seconds) / 3600.0),
    })
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("Invalid timezone: no time zone is called {name:?}. Use an IANA name such as Europe/Rome or Etc/UTC.")
    })
}

impl Reading {
    fn of(moment: &Zoned) -> Self {
        let zone = moment.time_zone();
        Self {
            timezone: zone.iana_name().unwrap_or("Etc/UTC").into(),
            datetime: moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            day_of_week: moment.strftime("%A").to_string(),
            is_dst: zone.to_offset_info(moment.timestamp()).dst().is_dst(),
        }
    }
}

/// `+9.0h`, `-10.75h`: at least one decimal, at most two.
fn hours(difference: f64) -> String {
    if difference.fract() == 0.0 {
        return format!("{difference:+.1}h");
    }
    let text = format!("{difference:+.2}");
    format!("{}h", text.trim_end_matches('0'))
}

// ---- What the client is told about them

fn tools() -> Value {
    let reading = json!({
        "type": "object",
        "properties": {
            "timezone": {"type": "string"},
            "datetime": {"type": "string"},
            "day_of_week": {"type": "string"},
            "is_dst": {"type": "boolean"},
        },
        "required": ["timezone", "datetime", "day_of_week", "is_dst"],
    });
    let conversion = json!({
        "type": "object",
        "properties": {"source": reading, "target": reading, "time_difference": {"type": "string"}},
        "required": ["source", "target", "time_difference"],
    });
    let annotations = json!({
        "readOnlyHint": true,
        "destructiveHint": false,
        "idempotentHint": true,
        "openWorldHint": false,
    });
    json!({"tools": [
        {
            "name": "get_current_time",
            "description": "Get current time in a specific timezone",
            "inputSchema": {
                "type": "object",
                "properties": {"timezone": zone_schema("IANA timezone name")},
                "required": ["timezone"],
            },
            "outputSchema": reading,
            "annotations": annotations,
        },
        {
            "name": "convert_time",
            "description": "Convert time between timezones",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "source_timezone": zone_schema("Source IANA timezone name"),
                    "time": {
                        "type": "string",
                        "description": "Time to convert in 24-hour format (HH:MM)",
                    },
                    "target_timezone": zone_schema("Target IANA timezone name"),
                },
                "required": ["source_timezone", "time", "target_timezone"],
            },
            "outputSchema": conversion,
            "annotations": annotations,
        },
    ]})
}

fn zone_schema(what: &str) -> Value {
    json!({
        "type": "string",
        "description": format!(
            "{what} (e.g., 'America/New_York', 'Europe/London'). Use 'Etc/UTC' if the user names no timezone."
        ),
    })
}
