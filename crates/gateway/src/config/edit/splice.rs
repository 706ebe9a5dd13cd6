//! Changes of a text at the places of its layout: put elements in, take them out, replace values.
//!
//! Each function gives the ranges to replace, in the order of the text. Comments stay where they are, but for those inside
//! of what is taken out.

use std::ops::Range;

use super::super::yaml::{Key, Kind, Node};
use super::layout::{Collection, Element, Form, Piece, past_space};
use super::style::{Style, column, line_start};
use super::write;

/// What to put in place of what.
pub(super) type Splice = (Range<usize>, String);

/// The text with these changes.
pub(super) fn apply(text: &str, splices: &[Splice]) -> String {
    let mut result = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for (range, new) in splices {
        result.push_str(&text[at..range.start]);
        result.push_str(new);
        at = range.end;
    }
    result.push_str(&text[at..]);
    result
}

/// An element that is not there yet: with a key in a mapping, without in a list.
pub(super) type New<'n> = (Option<&'n Key>, &'n Node);

/// Puts an element in front of the one at `index`, or at the end.
pub(super) fn insert(
    text: &str,
    piece: &Piece,
    index: usize,
    new: New<'_>,
    style: &Style,
) -> Option<Vec<Splice>> {
    let collection = piece.collection()?;
    if collection.flow {
        return Some(insert_inline(text, piece, index, new, style));
    }
    let first = collection.elements.first()?;
    let column = column(text, first.start);
    let written = match new {
        (Some(key), node) => write::entry(&key.text, node, column, style),
        (None, node) => write::item(node, column, style),
    };
    let new_line = write::new_line(column, style);
    Some(match index.checked_sub(1) {
        Some(before) => {
            let end = end_of_block(text, &collection.elements[before], column);
            vec![(end..end, format!("{new_line}{written}"))]
        }
        None if begins_line(text, first.start) => {
            let start = start_with_comments(text, first.start, column);
            vec![(start..start, format!("{:column$}{written}{}", "", style.newline))]
        }
        None => vec![(first.start..first.start, format!("{written}{new_line}"))],
    })
}

fn insert_inline(text: &str, piece: &Piece, index: usize, new: New<'_>, style: &Style) -> Vec<Splice> {
    let elements = piece.collection().map(|collection| collection.elements.as_slice()).unwrap_or_default();
    let written = match new {
        (Some(key), node) => write::pair(&key.text, node, style),
        (None, node) => write::inline(node, style),
    };
    let indentation = |start: usize| &text[line_start(text, start)..start];
    match (index.checked_sub(1).and_then(|before| elements.get(before)), elements.first()) {
        (Some(before), _) => {
            let (end, comma) = (before.end(), comma_after(text, before));
            match comma {
                // One element a line: the new one gets a line, too, and comments stay with those before.
                comma
                    if begins_line(text, before.start)
                        && ends_line(text, comma.map_or(end, |comma| comma + 1)) =>
                {
                    let line = line_end(text, comma.map_or(end, |comma| comma + 1));
                    let (mut splices, tail) = match comma {
                        Some(_) => (Vec::new(), ","),
                        None => (vec![(end..end, ",".to_owned())], ""),
                    };
                    let new_line = format!("{}{}", style.newline, indentation(before.start));
                    splices.push((line..line, format!("{new_line}{written}{tail}")));
                    splices
                }
                _ => vec![(end..end, format!(", {written}"))],
            }
        }
        (None, Some(first)) if begins_line(text, first.start) => {
            let line = start_with_comments(text, first.start, column(text, first.start));
            vec![(line..line, format!("{}{written},{}", indentation(first.start), style.newline))]
        }
        (None, Some(first)) => vec![(first.start..first.start, format!("{written}, "))],
        (None, None) => {
            let open = piece.range.start + 1;
            vec![(open..open, written)]
        }
    }
}

/// Takes one element of several out.
pub(super) fn remove(text: &str, piece: &Piece, index: usize) -> Option<Vec<Splice>> {
    let collection = piece.collection()?;
    let element = collection.elements.get(index)?;
    let next = collection.elements.get(index + 1);
    if collection.flow {
        return remove_inline(text, collection, index);
    }
    let column = column(text, element.start);
    let end = end_of_block(text, element, column);
    if !begins_line(text, element.start) {
        // The next one takes its place next to the dash, unless a comment stands between them.
        let next = next?.start;
        return text[end..next].trim().is_empty().then(|| vec![(element.start..next, String::new())]);
    }
    let start = line_start(text, element.start);
    let range = match text[end..].find('\n') {
        Some(newline) => start..end + newline + 1,
        // The last line of a text that does not end with a line break.
        None => without_break(text, start)..text.len(),
    };
    Some(vec![(range, String::new())])
}

fn remove_inline(text: &str, collection: &Collection, index: usize) -> Option<Vec<Splice>> {
    let elements = &collection.elements;
    let element = elements.get(index)?;
    let comma = comma_after(text, element);
    let end = comma.map_or(element.end(), |comma| comma + 1);
    let nothing = |range| (range, String::new());
    if begins_line(text, element.start) && ends_line(text, end) {
        let line =
            line_start(text, element.start)..(line_end(text, end) + line_break(text, line_end(text, end)));
        let mut splices = Vec::new();
        // What was not the last one is now.
        if let (None, Some(before)) = (comma, index.checked_sub(1).and_then(|before| elements.get(before))) {
            splices.extend(comma_after(text, before).map(|comma| nothing(comma..comma + 1)));
        }
        splices.push(nothing(line));
        return Some(splices);
    }
    Some(vec![nothing(match (elements.get(index + 1), index.checked_sub(1)) {
        (Some(next), _) => element.start..next.start,
        (None, Some(before)) => elements.get(before)?.end()..element.end(),
        (None, None) => element.start..end,
    })])
}

/// Replaces the value of an element. `flow` says whether the element is in brackets.
pub(super) fn replace(
    text: &str,
    element: &Element,
    flow: bool,
    new: &Node,
    style: &Style,
) -> Option<Vec<Splice>> {
    let Element { opened, value: Piece { range, form }, .. } = element;
    let inline = || match (&new.kind, form) {
        (Kind::Scalar(scalar), Form::Scalar(Some(quote))) => {
            write::scalar(scalar, write::Place::Quoted(*quote), style)
        }
        (Kind::Scalar(scalar), _) if !flow => write::scalar(scalar, write::Place::Line, style),
        _ => write::inline(new, style),
    };
    Some(match form {
        Form::Alias => return None,
        Form::Absent if flow => {
            let colon = if element.key.is_some() && !text[..*opened].ends_with(':') { ":" } else { "" };
            vec![(*opened..*opened, format!("{colon} {}", inline()))]
        }
        Form::Absent => {
            let written = write::value(new, column(text, element.start), style);
            // Lines come after what else is in this one, which is a comment.
            let at = if written.starts_with(style.newline) { line_end(text, *opened) } else { *opened };
            vec![(at..at, written)]
        }
        Form::Map(collection) | Form::List(collection) if !collection.flow => {
            vec![(*opened..without_break(text, range.end), format!(" {}", inline()))]
        }
        Form::Scalar(_) | Form::Block | Form::Map(_) | Form::List(_) => {
            vec![(range.start..without_break(text, range.end), inline())]
        }
    })
}

/// Where the line breaks in which a block ends, or that of the last comment that is inside of it: those that follow it
/// directly, and further to the right than it begins.
fn end_of_block(text: &str, element: &Element, column: usize) -> usize {
    let end = element.end();
    let mut at = if text[..end].ends_with('\n') { without_break(text, end) } else { line_end(text, end) };
    loop {
        let next = at + line_break(text, at);
        let line = &text[next..line_end(text, next)];
        let words = line.trim_start_matches(' ');
        if next == at || !words.starts_with('#') || line.len() - words.len() <= column {
            return at;
        }
        at = next + line.len();
    }
}

/// The line of an element, or of the first of the comments that stand directly above it, at its column.
fn start_with_comments(text: &str, start: usize, column: usize) -> usize {
    let mut at = line_start(text, start);
    while at > 0 {
        let above = line_start(text, at - 1);
        let line = &text[above..at];
        let words = line.trim_start_matches(' ');
        if !words.starts_with('#') || line.len() - words.len() != column {
            break;
        }
        at = above;
    }
    at
}

fn comma_after(text: &str, element: &Element) -> Option<usize> {
    let at = past_space(text, element.end());
    text[at..].starts_with(',').then_some(at)
}

/// Whether only spaces stand before this byte in its line.
fn begins_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].trim_matches(' ').is_empty()
}

/// Whether only a comment follows in this line, and then another line.
fn ends_line(text: &str, at: usize) -> bool {
    let end = line_end(text, at);
    let rest = text[at..end].trim();
    (rest.is_empty() || rest.starts_with('#')) && end < text.len()
}

/// The end of a line, without its break.
fn line_end(text: &str, at: usize) -> usize {
    match text[at..].find('\n') {
        Some(newline) => without_break(text, at + newline + 1).max(at),
        None => text.len(),
    }
}

/// The length of the line break here.
fn line_break(text: &str, at: usize) -> usize {
    match &text[at..] {
        rest if rest.starts_with("\r\n") => 2,
        rest if rest.starts_with('\n') => 1,
        _ => 0,
    }
}

/// Where the line break begins that ends here, if one does.
fn without_break(text: &str, end: usize) -> usize {
    let line = &text[..end];
    line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n')).unwrap_or(line).len()
}
