//! Values as YAML.

use super::super::shape::is_null;
use super::super::yaml::{Key, Kind, Node, Scalar, Style as Notation};
use super::style::Style;

/// A value as people would write it on its own.
pub(super) fn sample(node: &Node) -> String {
    let style = Style::default();
    match &node.kind {
        Kind::Map(entries) => lines(entries, 0, &style),
        Kind::List(nodes) => {
            nodes.iter().map(|node| item(node, 0, &style)).collect::<Vec<_>>().join(style.newline)
        }
        Kind::Scalar(_) | Kind::Faulty => inline(node, &style),
    }
}

/// A value on one line, for a place in brackets.
pub(super) fn inline(node: &Node, style: &Style) -> String {
    match &node.kind {
        Kind::Map(entries) => {
            let pairs = entries.iter().map(|(key, node)| pair(&key.text, node, style)).collect::<Vec<_>>();
            let space = if style.padded && !pairs.is_empty() { " " } else { "" };
            format!("{{{space}{}{space}}}", pairs.join(", "))
        }
        Kind::List(nodes) => {
            let nodes = nodes.iter().map(|node| inline(node, style)).collect::<Vec<_>>();
            format!("[{}]", nodes.join(", "))
        }
        Kind::Scalar(it) => scalar(it, Place::Inline, style),
        Kind::Faulty => String::new(),
    }
}

/// A key and its value, for a place in braces.
pub(super) fn pair(key: &str, node: &Node, style: &Style) -> String {
    format!("{}: {}", text(key, Place::Inline, style), inline(node, style))
}

/// A key and its value in lines of their own, from this column on. The first line is not indented yet.
pub(super) fn entry(key: &str, node: &Node, column: usize, style: &Style) -> String {
    format!("{}:{}", text(key, Place::Line, style), value(node, column, style))
}

/// A dash and its value in lines of their own, from this column on. The first line is not indented yet.
pub(super) fn item(node: &Node, column: usize, style: &Style) -> String {
    let dash = format!("-{:1$}", "", style.gap.max(2) - 1);
    match &node.kind {
        Kind::Map(entries) if !style.flow_items && !entries.is_empty() => {
            let column = column + dash.len();
            format!("{dash}{}", lines(entries, column, style))
        }
        Kind::Scalar(it) => format!("{dash}{}", scalar(it, Place::Line, style)),
        Kind::Map(_) | Kind::List(_) | Kind::Faulty => format!("{dash}{}", inline(node, style)),
    }
}

/// What follows the colon of a key at this column.
pub(super) fn value(node: &Node, column: usize, style: &Style) -> String {
    match &node.kind {
        Kind::Map(entries) if !style.flow_maps && !entries.is_empty() => {
            let column = column + style.step;
            new_line(column, style) + &lines(entries, column, style)
        }
        Kind::List(nodes) if !nodes.is_empty() && !is_inline(nodes, style) => {
            let column = column + style.dash;
            nodes.iter().map(|node| new_line(column, style) + &item(node, column, style)).collect()
        }
        Kind::Scalar(it) => format!(" {}", scalar(it, Place::Line, style)),
        Kind::Map(_) | Kind::List(_) | Kind::Faulty => format!(" {}", inline(node, style)),
    }
}

fn lines(entries: &[(Key, Node)], column: usize, style: &Style) -> String {
    let lines = entries.iter().map(|(key, node)| entry(&key.text, node, column, style)).collect::<Vec<_>>();
    lines.join(&new_line(column, style))
}

/// Whether a list is short enough to be read in one line.
fn is_inline(nodes: &[Node], style: &Style) -> bool {
    style.flow_lists && nodes.iter().all(|node| matches!(node.kind, Kind::Scalar(_)))
}

/// A line break, and what the next line is indented by.
pub(super) fn new_line(column: usize, style: &Style) -> String {
    format!("{}{:column$}", style.newline, "")
}

/// What stands around a text decides which signs it may hold without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Within brackets or braces.
    Inline,
    /// At the end of a line.
    Line,
    /// Where a text in these quotes stands now.
    Quoted(char),
}

pub(super) fn scalar(scalar: &Scalar, place: Place, style: &Style) -> String {
    match (scalar.style, place) {
        _ if is_null(scalar) => "null".to_owned(),
        (Notation::Plain, Place::Inline | Place::Line) => scalar.text.clone(),
        _ => text(&scalar.text, place, style),
    }
}

/// A text, in quotes if YAML needs them or its neighbours have them.
fn text(text: &str, place: Place, style: &Style) -> String {
    let quote = match place {
        _ if style.json => '"',
        Place::Quoted(quote) => quote,
        Place::Inline | Place::Line if !style.always && is_plain(text, place) => return text.to_owned(),
        Place::Inline | Place::Line => style.quote,
    };
    if quote == '\'' && text.chars().all(is_visible) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_visible(c) => quoted.push(c),
            // None of these is above U+FFFF.
            c => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Signs that a line of YAML may hold as they are, and that people can see.
fn is_visible(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text needs no quotes, neither for us nor for any other reader of YAML, who guesses types from texts.
fn is_plain(text: &str, place: Place) -> bool {
    let inside = |c: char| {
        c.is_alphanumeric()
            || "_-./$@+=%~*!?&^;".contains(c)
            || (place == Place::Line && "(){}[],: ".contains(c))
    };
    let begins = |c: char| c.is_alphabetic() || matches!(c, '_' | '/' | '$' | '.') || c.is_ascii_digit();
    text.starts_with(begins)
        && text.chars().all(inside)
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !text.starts_with("...")
        && !is_typed(text)
}

/// Whether some reader of YAML takes a text for something else: a number, a date, `true`, or nothing.
fn is_typed(text: &str) -> bool {
    const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan"];
    let numeric = |c: char| {
        c.is_ascii_hexdigit() || matches!(c, '.' | '_' | '-' | '+' | ':' | 'x' | 'o' | 'T' | 'Z' | ' ')
    };
    WORDS.contains(&text.to_ascii_lowercase().as_str())
        || text.to_ascii_lowercase().ends_with(".inf")
        || (text.starts_with(|c: char| c.is_ascii_digit() || c == '.') && text.chars().all(numeric))
}
