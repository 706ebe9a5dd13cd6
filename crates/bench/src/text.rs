//! What is said in calls and answers: texts that both ends know, so that every answer can be checked to its last byte.

use std::sync::LazyLock;

/// How long the text of a large answer is, as JSON.
pub(crate) const LARGE: usize = 64 * 1024;

/// What follows the number of a call in its argument. With it a call has the size of a usual one.
pub(crate) const TAIL: &str =
    " Please look up which of the open orders of customer 4711 are late, and by how many days.";

/// What a large answer says after it has repeated the argument. As a JSON string without its quotes, with the escapes that
/// every serialiser writes alike, so that a gateway may read and write it again and the bytes stay the same.
pub(crate) static FILLER: LazyLock<String> = LazyLock::new(|| {
    let mut filler = String::with_capacity(LARGE);
    let mut number = 0_u32;
    while filler.len() < LARGE {
        number += 1;
        filler.push_str(&format!(
            "\\n{number:05}\\torder \\\"A-{}\\\"\\tcustomer {}\\tlate by {} days, see page {} of the report",
            number * 7919 % 100_000,
            number * 104_729 % 10_000,
            number % 30,
            number % 9 + 1
        ));
    }
    // In the middle of a line, and never in the middle of an escape.
    let end = filler[..LARGE].rfind("\\n").unwrap_or(LARGE);
    filler.truncate(end);
    filler.extend(std::iter::repeat_n('.', LARGE - end));
    filler
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filler_is_the_inside_of_a_json_string_that_comes_back_as_it_was() {
        assert_eq!(FILLER.len(), LARGE);
        let quoted = format!("\"{}\"", *FILLER);
        let read: String = serde_json::from_str(&quoted).expect("a string");
        assert_eq!(serde_json::to_string(&read).expect("a string"), quoted);
    }
}
